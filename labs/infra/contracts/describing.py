"""All contracts, made from the code of the services: OpenAPI of each, a JSON Schema of each event, AsyncAPI of all."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from labs.infra.contracts import asyncapi, cloudevents, openapi, told

APIS: Mapping[str, str] = {
    "user-service": "labs.services.user.api",
    "order-service": "labs.services.order.api",
    "inventory-service": "labs.services.inventory.api",
    "notification-service": "labs.services.notification.api",
    "monolith": "labs.services.monolith.api",
    "outside": "labs.services.outside.app",
}
"""Where each has its create_app."""
AT_ONCE = 2
"""Processes that describe, of 100 MB each."""


def documents() -> dict[str, Any]:
    """By their name in the folder of contracts. The same code makes the same documents, wherever and however often. Raises
    openapi.CannotDescribe."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = {f"openapi/{service}.json": spec for service, spec in zip(APIS, pool.map(api, APIS), strict=True)}
    events, handlers = told.told(), told.handlers()
    made |= {f"events/{event.type}.json": canonical(cloudevents.schema(event)) for event in events}
    return made | {"asyncapi.json": canonical(asyncapi.document(events, handlers))}


def api(service: str) -> Any:
    """OpenAPI of one of them."""
    return canonical(openapi.describe(APIS[service]))


def canonical(part: Any) -> Any:
    """The same with a fixed order where the order has no meaning."""
    if isinstance(part, Mapping):
        return {
            name: sorted(part[name]) if name == "required" and isinstance(part[name], list) else canonical(part[name])
            for name in sorted(part)
        }
    return [canonical(each) for each in part] if isinstance(part, list) else part
