"""inventory-service alone: its database, its HTTP without a network, its event handlers without a broker."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from labs.services.chassis.database import Database
from labs.services.chassis.events import Event
from labs.services.chassis.migrate import migrate
from labs.services.chassis.outbox import outbox
from labs.services.chassis.settings import Settings
from labs.services.chassis.shapes import Money
from labs.services.inventory import store
from labs.services.inventory.api import create_app
from labs.services.inventory.domain import KEEPS, Line, Status
from labs.services.inventory.stores.tables import Adjustment, Reservation, ReservedLine
from labs.services.inventory.worker import InventoryWorker
from tests.services.tokens import CLERK, KEYS, bearer

PRICE = Money(amount=350, currency="EUR")
CLERK_HEADER = bearer("clerk-1", CLERK)
HELD = (*KEEPS, Status.TAKEN)
"""Reservations whose pieces are not on the shelf."""


class Inventory:
    """The service, somebody who asks it, and a look behind it."""

    def __init__(self, url: str) -> None:
        migrate("inventory", url)
        self.url, self.db = url, Database(url)
        self.worker = InventoryWorker()
        self.worker.db = self.db
        self._app: Any = None

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
        """Any answer, with a clerk's token unless `headers` say otherwise."""
        if self._app is None:
            self._app = create_app(Settings(service="inventory-service", database_url=self.url), KEYS)
        headers = more.pop("headers", CLERK_HEADER)
        return self._app.test_client().open(path, method=method, json=body, headers=headers, **more)

    def hear(self, event_type: str, order_id: str, event_id: str = "", **data: Any) -> None:
        """order-service told this; without an id it is an event of its own."""
        more = {"id": event_id} if event_id else {}
        event = Event("order-service", event_type, {"order_id": order_id, **data}, **more)
        handlers = {
            "order_placed": self.worker.reserve,
            "order_paid": self.worker.firm,
            "order_fulfilled": self.worker.take,
            "order_rejected": self.worker.rejected,
            "order_cancelled": self.worker.cancelled,
        }
        handlers[event_type](event)

    def work(self) -> None:
        """What the service has told itself, in the order told, as the broker would bring it."""
        handlers = {"price_import_chunk": self.worker.import_prices, "stock_report_asked": self.worker.report}
        with self.db.reading() as session:
            told = session.execute(select(outbox).where(outbox.c.type.in_(handlers)).order_by(outbox.c.position)).all()
        for row in told:
            handlers[row.type](Event("inventory-service", row.type, row.data, row.event_id))

    def offer(self, sku: str, pieces: int = 0, price: Money = PRICE, low_at: int | None = None) -> None:
        """A product, and pieces of it."""
        with self.db.transaction() as tx:
            store.catalogue.put(tx, sku, store.catalogue.Entry(sku, "", price, low_at), "clerk-1")
            if pieces:
                store.add(tx, sku, pieces)

    def reserve(self, order_id: str, *lines: tuple[str, int]) -> list[str]:
        """The shortages, in words."""
        with self.db.transaction() as tx:
            return [str(shortage) for shortage in store.reserve(tx, order_id, [Line(*line) for line in lines])]

    def stock(self) -> dict[str, int]:
        """Available pieces by SKU."""
        with self.db.reading() as session:
            return store.everything(session)

    def status(self, order_id: str) -> str | None:
        """Of its reservation; None if nobody has heard of the order."""
        with self.db.reading() as session:
            return session.scalar(select(Reservation.status).where(Reservation.order_id == order_id))

    def told(self, *event_types: str) -> list[dict[str, Any]]:
        """The data of the events of these types, oldest first."""
        with self.db.reading() as session:
            return list(
                session.scalars(select(outbox.c.data).where(outbox.c.type.in_(event_types)).order_by(outbox.c.position))
            )

    def answers(self, order_id: str) -> list[str]:
        """The types of the events told about an order, oldest first."""
        with self.db.reading() as session:
            rows = session.execute(select(outbox.c.type, outbox.c.data).order_by(outbox.c.position))
            return [row.type for row in rows if row.data.get("order_id") == order_id]

    def unaccounted(self) -> dict[str, int]:
        """By SKU the pieces that came, less those on the shelf, less those that orders hold or took: 0 unless some were lost
        or made out of nothing."""
        came = select(Adjustment.sku, func.sum(Adjustment.quantity)).group_by(Adjustment.sku)
        of_orders = select(ReservedLine.sku, func.sum(ReservedLine.quantity)).join(Reservation)
        with self.db.reading() as session:
            total = {sku: int(pieces) for sku, pieces in session.execute(came)}
            gone = dict(session.execute(of_orders.where(Reservation.status.in_(HELD)).group_by(ReservedLine.sku)).all())
            shelf = store.everything(session)
        return {sku: total.get(sku, 0) - available - int(gone.get(sku, 0)) for sku, available in shelf.items()}


@contextmanager
def inventory_at(url: str) -> Iterator[Inventory]:
    """It, and pytest's own logging as it was."""
    handlers = logging.getLogger().handlers
    inventory = Inventory(url)
    yield inventory
    inventory.db.engine.dispose()
    logging.getLogger().handlers = handlers
    structlog.reset_defaults()
