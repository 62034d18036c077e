"""What each service needs of the events that it hears, lived on by its own handlers and written down as pacts."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pact import Pact, match
from sqlalchemy import select, update

from labs.services.chassis.database import Database
from labs.services.chassis.events import Event
from labs.services.inventory.stores.tables import PriceImport, StockReport
from labs.services.order import settlement
from labs.services.order.tables import KnownPrice, Order, Settlement
from labs.services.order.worker import OrderWorker
from tests.services.contracts.pacts.asking import DAY, INVENTORY, JSON, NOTIFICATION, ORDER, USER, currency
from tests.services.unit.inventory_stand import inventory_at
from tests.services.unit.notification_stand import notifications_at
from tests.services.unit.order_stand import get, order_database, place

ORDER_ID = "00000000-0000-4000-8000-00000000000a"
WORK_ID = "00000000-0000-4000-8000-00000000000b"
UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
Data = dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """`needs` is what `consumer` reads of an event's data. `lives` hands such data to the consumer's own handler, on an empty
    database at a URL, and fails unless it did what it is for."""

    consumer: str
    provider: str
    type: str
    needs: Mapping[str, Any]
    lives: Callable[[str, Data], None]

    def write(self, folder: Path, url: str) -> None:
        """Hand the example to the consumer's own handler, on an empty database at `url`; then keep it."""
        pact = Pact(self.consumer, self.provider)
        pact.upon_receiving(self.type, "Async").with_body(dict(self.needs), JSON)
        pact.verify(lambda body, _metadata: self.lives(url, json.loads(body or b"{}")), "Async")
        pact.write_file(folder)


def an_id(example: str = ORDER_ID) -> Any:
    """Of an order, or of a piece of work."""
    return match.regex(example, regex=UUID)


def line() -> Data:
    """So many pieces."""
    return {"sku": match.str("tea"), "quantity": match.int(2)}


@contextmanager
def _orders(url: str) -> Iterator[tuple[Database, OrderWorker]]:
    """With an order that waits for its pieces."""
    with order_database(url) as db:
        waiting = place(db)
        with db.transaction() as tx:
            tx.execute(update(Order).where(Order.id == waiting).values(id=ORDER_ID))
        worker = OrderWorker()
        worker.db = db
        yield db, worker


def _becomes(status: str, handler: str, type_: str) -> Callable[[str, Data], None]:
    def lives(url: str, data: Data) -> None:
        with _orders(url) as (db, worker):
            getattr(worker, handler)(Event(INVENTORY, type_, data))
            found = get(db, ORDER_ID)
            assert found.status == status
            assert found.reason == data.get("reason", found.reason)

    return lives


def _knows_the_price(url: str, data: Data) -> None:
    with _orders(url) as (db, worker):
        worker.price(Event(INVENTORY, "price_changed", data))
        with db.reading() as session:
            assert session.get_one(KnownPrice, "tea").amount == 350


def _settles(url: str, data: Data) -> None:
    with _orders(url) as (db, worker):
        with db.transaction() as tx:
            settlement.ask(tx, DAY)
        worker.settle(Event(ORDER, "settlement_asked", data))
        with db.reading() as session:
            assert session.get_one(Settlement, DAY).due_at is not None


PRICE = {"sku": match.str("tea"), "amount": match.int(350), "currency": currency(), "version": match.int(1)}
REASON = match.str("tea: 2 wanted, 1 available")
OF_ORDER = (
    Heard(
        ORDER, INVENTORY, "stock_reserved", {"order_id": an_id()}, _becomes("confirmed", "confirm", "stock_reserved")
    ),
    Heard(
        ORDER,
        INVENTORY,
        "stock_rejected",
        {"order_id": an_id(), "reason": REASON},
        _becomes("rejected", "reject", "stock_rejected"),
    ),
    Heard(ORDER, INVENTORY, "stock_overdue", {"order_id": an_id()}, _becomes("undoing", "give_up", "stock_overdue")),
    Heard(ORDER, INVENTORY, "price_changed", PRICE, _knows_the_price),
    Heard(ORDER, ORDER, "settlement_asked", {"day": match.regex(DAY, regex=r"^\d{4}-\d\d-\d\d$")}, _settles),
)


# --- inventory-service ------------------------------------------------------------------------------------------------


def _stock(status: str, type_: str, *before: str) -> Callable[[str, Data], None]:
    """The reservation is that, after the event and those `before` it."""

    def lives(url: str, data: Data) -> None:
        with inventory_at(url) as inventory:
            inventory.offer("tea", 5)
            if before:
                assert inventory.reserve(ORDER_ID, ("tea", 4)) == []
            for earlier in before[1:]:
                inventory.hear(earlier, ORDER_ID)
            inventory.hear(type_, **data)
            assert inventory.status(ORDER_ID) == status
            assert set(inventory.unaccounted().values()) == {0}

    return lives


def _imports(url: str, data: Data) -> None:
    with inventory_at(url) as inventory:
        inventory.offer("tea", 1)
        with inventory.db.transaction() as tx:
            tx.add(PriceImport(id=WORK_ID, total=1, asked_by="a-clerk"))
        inventory.worker.import_prices(Event(INVENTORY, "price_import_chunk", data))
        assert inventory.told("price_changed")[-1]["amount"] == 400


def _reports(url: str, data: Data) -> None:
    with inventory_at(url) as inventory:
        with inventory.db.transaction() as tx:
            tx.add(StockReport(id=WORK_ID))
        inventory.worker.report(Event(INVENTORY, "stock_report_asked", data))
        with inventory.db.reading() as session:
            assert session.scalar(select(StockReport.made_at)) is not None


MISSING = match.each_like(line())
NEW_PRICE = {"line": match.int(1), "sku": match.str("tea"), "amount": match.int(400), "currency": currency()}
OF_INVENTORY = (
    Heard(
        INVENTORY,
        ORDER,
        "order_placed",
        {"order_id": an_id(), "lines": match.each_like(line())},
        _stock("reserved", "order_placed"),
    ),
    Heard(INVENTORY, ORDER, "order_paid", {"order_id": an_id()}, _stock("firm", "order_paid", "reserved")),
    Heard(
        INVENTORY,
        ORDER,
        "order_fulfilled",
        {"order_id": an_id(), "missing": MISSING},
        _stock("taken", "order_fulfilled", "reserved", "order_paid"),
    ),
    *(
        Heard(INVENTORY, ORDER, type_, {"order_id": an_id(), "reason": REASON}, _stock("released", type_, "reserved"))
        for type_ in ("order_rejected", "order_cancelled")
    ),
    Heard(
        INVENTORY,
        INVENTORY,
        "price_import_chunk",
        {"import_id": an_id(WORK_ID), "lines": match.each_like(NEW_PRICE)},
        _imports,
    ),
    Heard(INVENTORY, INVENTORY, "stock_report_asked", {"report_id": an_id(WORK_ID)}, _reports),
)


# --- notification-service ---------------------------------------------------------------------------------------------


def _writes_to(type_: str) -> Callable[[str, Data], None]:
    """Whoever is told of can be written to."""

    def lives(url: str, data: Data) -> None:
        with notifications_at(url) as notifications:
            handlers = {"user_registered": "registered", "profile_changed": "changed"}
            getattr(notifications.worker, handlers[type_])(Event(USER, type_, data))
            notifications.hear("order_confirmed", customer_id=data["user_id"])
            assert notifications.only().recipient == "ann@example.org"

    return lives


def _says(type_: str, *words: str) -> Callable[[str, Data], None]:
    """The customer is told, in these words among others."""

    def lives(url: str, data: Data) -> None:
        with notifications_at(url) as notifications:
            notifications.profile()
            notifications.hear(type_, **data)
            body = notifications.only().body
            assert [word for word in (*words, data["order_id"]) if word not in body] == []

    return lives


PROFILE = {
    "user_id": match.str("u-1"),
    "version": match.int(2),
    "name": match.str("Ann"),
    "email": match.regex("ann@example.org", regex="^.+@.+$"),
    "channels": match.each_like("email"),
}
NEWS = {"order_id": an_id(), "customer_id": match.str("u-1")}
OF_NOTIFICATION = (
    *(Heard(NOTIFICATION, USER, type_, PROFILE, _writes_to(type_)) for type_ in ("user_registered", "profile_changed")),
    Heard(NOTIFICATION, ORDER, "order_confirmed", NEWS, _says("order_confirmed", "reserved for you")),
    Heard(
        NOTIFICATION,
        ORDER,
        "order_paid",
        NEWS | {"amount": match.int(700), "currency": currency()},
        _says("order_paid", "7.00 EUR"),
    ),
    Heard(
        NOTIFICATION,
        ORDER,
        "order_fulfilled",
        NEWS | {"tracking_code": match.regex("TRACK-1", regex="^.+$"), "missing": MISSING},
        _says("order_fulfilled", "TRACK-1", "2 × tea"),
    ),
    *(
        Heard(NOTIFICATION, ORDER, type_, NEWS | {"reason": REASON}, _says(type_, "2 wanted, 1 available"))
        for type_ in ("order_rejected", "order_cancelled")
    ),
)

EVERY = (*OF_ORDER, *OF_INVENTORY, *OF_NOTIFICATION)
"""Each consumer of each event."""
