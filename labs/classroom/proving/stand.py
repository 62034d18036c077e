"""Each service alone, as its tests need it: with an empty database of its own, without broker and without neighbours."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import requests

from labs.classroom.proving.pacts import Broken, mismatches, served, verify
from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate

__all__ = [
    "CODE",
    "PACTS",
    "Answers",
    "Broken",
    "fulfilled",
    "inventory",
    "mismatches",
    "notification",
    "prices",
    "verify",
    "versions",
]

PACTS = Path(__file__).parent / "written"
"""Where consumers write what they need."""
CODE = "TRACK-0123456789ABCDEF"
"""A parcel's tracking code, as the carrier makes them."""
os.environ["VERSION"] = "1"  # whatever is deployed: a test says itself which version it is about
CUSTOMER = {"user_id": "u-1", "version": 1, "name": "Somebody", "email": "somebody@example.org", "channels": ["email"]}
Change = Callable[[Any], Any]


@contextmanager
def database(service: str) -> Iterator[Database]:
    """A service's own, made by its migrations, for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/{service}.db"
        migrate(service, url)
        db = Database(url)
        try:
            yield db
        finally:
            db.engine.dispose()


class Inventory:
    """inventory-service, its real app on its real database, at `url`. `change` does something to its answers to GET /prices."""

    def __init__(self, db: Database) -> None:
        from flask import Response, request

        from labs.services.chassis.keys import StaticKeys
        from labs.services.chassis.settings import Settings
        from labs.services.inventory.api import create_app

        own: dict[str, Any] = {
            "service": "inventory-service",
            "database_url": str(db.engine.url),
            "otlp_endpoint": "",
            "log_file": "",
        }
        self._db, self.url = db, ""
        self.change: Change = lambda answer: answer
        self.app = create_app(Settings(**own, log_level="ERROR"), StaticKeys({"keys": []}))

        @self.app.after_request
        def changed(response: Response) -> Response:
            if request.path == "/prices" and response.status_code == requests.codes.ok:
                response.set_data(json.dumps(self.change(response.get_json())))
            return response

    def offer(self, **cents: int) -> None:
        """Put products into the catalogue, or change what they cost: offer(tea=350)."""
        from labs.services.chassis.shapes import Money
        from labs.services.inventory import store

        with self._db.transaction() as tx:
            for sku, amount in cents.items():
                entry = store.catalogue.Entry(sku, "", Money(amount=amount, currency="EUR"))
                store.catalogue.put(tx, sku, entry, "a-clerk")

    def get(self, path: str) -> Any:
        """The JSON of an answer, asked without a network."""
        return self.app.test_client().get(path).get_json()


@contextmanager
def inventory(**cents: int) -> Iterator[Inventory]:
    """The service with these products in its catalogue."""
    with database("inventory") as db:
        alone = Inventory(db)
        alone.offer(**cents)
        with served(alone.app) as alone.url:
            yield alone


class Answers:
    """In place of the client with which order-service asks inventory-service: a stub, which answers what the test says."""

    name = "inventory-service"

    def __init__(self, body: Any) -> None:
        self._body = body

    def get(self, _path: str, **_details: Any) -> requests.Response:
        """Always the same."""
        answer = requests.Response()
        answer.status_code, answer.encoding = requests.codes.ok, "utf-8"
        answer._content = json.dumps(self._body).encode()
        return answer


@contextmanager
def prices(inventory: "str | Answers") -> Iterator[Any]:
    """The prices of order-service, by its real code, from an empty read model: `of(["tea"])` has to ask. `inventory` is an
    address, or a stub."""
    from labs.services.chassis.client import Client
    from labs.services.order.prices import ReadModel

    client: Any = Client(inventory, "inventory-service") if isinstance(inventory, str) else inventory
    with database("order") as db:
        yield ReadModel(db, client)


class Notification:
    """notification-service with a customer, and the real handlers of one version."""

    def __init__(self, db: Database, version: int) -> None:
        from labs.services.chassis.events import Event

        module: Any = import_module("labs.services.notification.worker")
        module.parcel = import_module(f"labs.services.notification.parcel_{version}")
        self._db, self._event = db, Event
        self._worker = module.NotificationWorker()
        self._worker.db = db
        self._worker.registered(Event("user-service", "user_registered", CUSTOMER))

    def hear(self, data: dict[str, Any]) -> None:
        """order-service tells order_fulfilled."""
        self._worker.fulfilled(self._event("order-service", "order_fulfilled", data))

    def mail(self) -> str:
        """The text of what the customer is to be told, the newest."""
        from labs.services.notification import store

        with self._db.reading() as session:
            return str(store.history(session, None, None, None, 1)[0].body)


@contextmanager
def notification(version: int) -> Iterator[Notification]:
    """The service, in this version."""
    with database("notification") as db:
        yield Notification(db, version)


def versions(service: str) -> list[int]:
    """The versions of order or notification that there are, by their files parcel_1.py, parcel_2.py and so on."""
    folder = Path(str(import_module(f"labs.services.{service}").__file__)).parent
    return sorted(int(path.stem.partition("_")[2]) for path in folder.glob("parcel_*.py"))


def fulfilled(version: int) -> bytes:
    """order_fulfilled, as this version of order-service tells it of an order in its own table: JSON, as it travels."""
    events: Any = import_module("labs.services.order.events")
    events.parcel = import_module(f"labs.services.order.parcel_{version}")
    return json.dumps(events.data("order_fulfilled", _order())).encode()


@cache
def _order() -> Any:
    from labs.services.order import store
    from labs.services.order.domain import Price, priced

    with database("order") as db, db.transaction() as tx:
        order = store.place(tx, "u-1", priced([("tea", 2)], {"tea": Price(350, "EUR", 1)}), "card-ok")
    order.tracking_code = CODE
    return order
