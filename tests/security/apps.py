"""Each service's HTTP alone in this process, on an empty database, for those who ask it more than a network could carry."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import structlog
from apiflask import APIFlask

from labs.services.chassis.migrate import migrate
from labs.services.chassis.settings import Settings
from labs.services.inventory import api as inventory
from labs.services.notification import api as notification
from labs.services.notification.settings import Settings as NotificationSettings
from labs.services.order import api as order
from labs.services.order.settings import Settings as OrderSettings
from labs.services.user import api as user
from tests.services.chassis.other import Answer, Asked, Other
from tests.services.tokens import ADMINISTRATOR, KEYS, bearer
from tests.services.unit.outside_stand import HEADER, outside_at
from tests.services.unit.user_stand import users_at

NOWHERE = "http://127.0.0.1:1"
"""Where nobody listens."""


def _user(url: str, undo: ExitStack) -> APIFlask:
    return user.create_app(undo.enter_context(users_at(url)).settings, KEYS)


def _inventory(url: str, _: ExitStack) -> APIFlask:
    return inventory.create_app(Settings(service="inventory-service", database_url=url), KEYS)


def _order(url: str, undo: ExitStack) -> APIFlask:
    catalogue = Other(_prices)
    undo.callback(catalogue.close)
    where = {"inventory_url": catalogue.url, "payments_url": NOWHERE, "carrier_url": NOWHERE, "outside_key": "a key"}
    return order.create_app(OrderSettings(service="order-service", database_url=url, **where), KEYS)


def _prices(asked: Asked) -> Answer:
    """Every product costs the same, except for those whose name begins with n: they do not exist."""
    wanted = parse_qs(urlsplit(asked.path).query)["sku"]
    items = [{"sku": sku, "amount": 350, "currency": "EUR", "version": 1} for sku in wanted if sku[0] != "n"]
    return Answer(200, {"items": items, "unknown": [sku for sku in wanted if sku[0] == "n"]})


def _notification(url: str, _: ExitStack) -> APIFlask:
    where = {"smtp_server": "127.0.0.1:1", "sms_url": NOWHERE, "push_url": NOWHERE}
    return notification.create_app(
        NotificationSettings(service="notification-service", database_url=url, **where), KEYS
    )


def _outside(url: str, undo: ExitStack) -> APIFlask:
    return undo.enter_context(outside_at(url)).app


Make = Callable[[str, ExitStack], APIFlask]
SERVICES: Mapping[str, Make] = MappingProxyType(
    {"user": _user, "inventory": _inventory, "order": _order, "notification": _notification, "outside": _outside}
)


def everything(service: str) -> dict[str, str]:
    """The header of somebody who may do all that a service offers."""
    return HEADER if service == "outside" else bearer("00000000-0000-4000-8000-000000000001", ADMINISTRATOR)


@contextmanager
def app_of(service: str, directory: Path) -> Iterator[APIFlask]:
    """A service on a database in `directory`. Its log says nothing but what went wrong."""
    url = f"sqlite:///{directory}/{service}.db"
    handlers = logging.getLogger().handlers
    if service not in ("user", "outside"):  # their own stands do it
        migrate(service, url)
    with ExitStack() as undo:
        yield SERVICES[service](url, undo)
    logging.getLogger().handlers = handlers
    structlog.reset_defaults()
