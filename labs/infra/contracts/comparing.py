"""What a change of a contract breaks: of an event, of an API, of who listens. The rules are those of the README beside the
contracts, in labs/services/contracts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labs.infra.contracts.apis import compare_apis
from labs.infra.contracts.breaks import Break, Way
from labs.infra.contracts.schemas import Comparison

Document = Mapping[str, Any]


def compare(old: Document, new: Document, consumers: Sequence[str] = ()) -> list[Break]:
    """Two versions of one document: OpenAPI, AsyncAPI, or the JSON Schema of an event, whose `consumers` are named in what
    breaks them. Raises LookupError for a reference that leads nowhere."""
    if "openapi" in old:
        return compare_apis(old, new)
    if "asyncapi" in old:
        return list(_listeners(old, new))
    event = str(old.get("title", "the event"))
    return Comparison(old, new, Way.READ, _named(event, consumers)).breaks(old, new, event)


def compare_all(old: Mapping[str, Document], new: Mapping[str, Document]) -> list[Break]:
    """All documents by name, those that are gone too; a new one breaks nobody."""
    found: list[Break] = []
    for name in sorted(old):
        event = str(old[name].get("title"))
        consumers = _consumers(old.get("asyncapi.json", {}), event)
        if name in new:
            found += compare(old[name], new[name], consumers)
        else:
            found.append(
                Break(name, "removed", _named(event, consumers) if name.startswith("events/") else "its callers")
            )
    return found


def _named(event: str, consumers: Sequence[str]) -> str:
    return f"consumers of {event}" + (f" ({', '.join(consumers)})" if consumers else "")


def _consumers(asyncapi: Document, event: str) -> list[str]:
    """The handlers that hear an event."""
    receiving = {name: each for name, each in asyncapi.get("operations", {}).items() if each["action"] == "receive"}
    return [
        name for name in sorted(receiving) if any(m["$ref"].endswith(f"/{event}") for m in receiving[name]["messages"])
    ]


def _listeners(old: Document, new: Document) -> Iterator[Break]:
    """A queue that nobody reads any more stays bound, and fills."""
    before, after = (_queues(document) for document in (old, new))
    for queue in sorted(before - after):
        change = "nobody reads this queue any more, and the broker goes on filling it"
        yield Break(queue, change, "the broker's disk, until the queue is deleted there", warning=True)


def _queues(document: Document) -> set[str]:
    channels = document.get("channels", {})
    return {name for name, each in channels.items() if each.get("bindings", {}).get("amqp", {}).get("is") == "queue"}
