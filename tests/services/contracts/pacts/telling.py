"""The providers' side: each real app on a free port, and each event as the code of its service tells it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, update

from labs.classroom.proving.pacts import Messages, States, served
from labs.services.chassis.database import Database
from labs.services.chassis.events import Event
from labs.services.chassis.outbox import outbox
from labs.services.chassis.settings import Settings
from labs.services.inventory import store, worker
from labs.services.inventory.api import create_app
from labs.services.order import settlement
from labs.services.order import store as orders
from labs.services.order.orchestrator import Orchestrator
from labs.services.order.worker import OrderWorker
from labs.services.outside.store import Charge
from tests.services.contracts.pacts.asking import DAY, INVENTORY, ORDER, OUTSIDE, REFUNDED, USER, charge
from tests.services.tokens import KEYS
from tests.services.unit.inventory_stand import inventory_at
from tests.services.unit.order_stand import Outside, order_database, place
from tests.services.unit.outside_stand import outside_at
from tests.services.unit.user_stand import users_at

NOON = datetime.fromisoformat(f"{DAY}T12:00:00").replace(tzinfo=UTC).timestamp()


# --- over HTTP: (address, states) of a provider on an empty database at a URL -----------------------------------------


@contextmanager
def _inventory(url: str) -> Iterator[tuple[str, States]]:
    def filled() -> None:
        inventory.offer("tea")
        inventory.offer("cup")

    with inventory_at(url) as inventory:
        app = create_app(Settings(service=INVENTORY, database_url=url), KEYS)
        with served(app) as address:
            yield address, {"tea and cup are in the catalogue": filled, "there is no unicorn": lambda: None}


@contextmanager
def _outside(url: str) -> Iterator[tuple[str, States]]:
    def charged() -> None:
        assert outside.ask("POST", "/payments/charges", charge(REFUNDED), key=REFUNDED).status_code == 201

    def charged_that_day() -> None:
        charged()
        db = Database(url)
        with db.transaction() as tx:
            tx.execute(update(Charge).where(Charge.key == REFUNDED).values(at=NOON))
        db.engine.dispose()

    with outside_at(url) as outside, served(outside.app) as address:
        states = {"the order that is refunded was charged": charged}
        yield address, states | {"one order was charged on that day": charged_that_day}


@contextmanager
def _users(url: str) -> Iterator[tuple[str, States]]:
    with users_at(url) as users, served(users.app) as address:
        yield address, {}


ANSWERING: Mapping[str, Callable[[str], Any]] = {INVENTORY: _inventory, OUTSIDE: _outside, USER: _users}


# --- events -----------------------------------------------------------------------------------------------------------


def _told(db: Database) -> Messages:
    """The newest event of each type in an outbox, as bytes, by its type."""
    with db.reading() as session:
        rows = session.execute(select(outbox.c.type, outbox.c.data).order_by(outbox.c.position)).all()
    newest = {row.type: json.dumps(row.data).encode() for row in rows}
    return {type_: lambda data=data: data for type_, data in newest.items()}  # type: ignore[misc]  # bound here


def _orders(url: str) -> Messages:
    """An order that is fulfilled but for one line, one that is rejected, one that is cancelled, and a settlement."""
    with order_database(url) as db:
        listener, carries = OrderWorker(), Orchestrator(db, Outside(ships=1).actions())
        listener.db = db
        fulfilled, rejected, cancelled = (place(db) for _ in range(3))
        for order in (fulfilled, cancelled):
            listener.confirm(Event(INVENTORY, "stock_reserved", {"order_id": order}))
        listener.reject(Event(INVENTORY, "stock_rejected", {"order_id": rejected, "reason": "none is left"}))
        carries.run(fulfilled)
        with db.transaction() as tx:
            order = orders.locked(tx, cancelled)
            assert order is not None
            assert orders.cancel(order)
            settlement.ask(tx, DAY)
        carries.run(cancelled)
        return _told(db)


def _stock(url: str) -> Messages:
    """Pieces that are reserved, that are short, and that wait too long; a new price, an import, a report."""
    wanted = [{"sku": "tea", "quantity": 2}]
    with inventory_at(url) as inventory, pytest.MonkeyPatch.context() as patch:
        inventory.offer("tea", 2)
        inventory.hear("order_placed", "00000000-0000-4000-8000-000000000001", lines=wanted)
        inventory.hear("order_placed", "00000000-0000-4000-8000-000000000002", lines=wanted)
        patch.setattr(worker, "load", lambda _kind: SimpleNamespace(reservation_seconds=-1.0))
        inventory.worker.expire()
        with inventory.db.transaction() as tx:
            store.imports.start(tx, [{"sku": "tea", "amount": 400, "currency": "EUR"}], "a-clerk")
            store.reports.ask(tx)
        return _told(inventory.db)


def _people(url: str) -> Messages:
    """Somebody who registers and then has another name."""
    with users_at(url) as users:
        path, token = users.customer()
        assert users.ask("PATCH", path, {"name": "Another name"}, token).status_code == 200
        return _told(users.db)


TELLING: Mapping[str, Callable[[str], Messages]] = {ORDER: _orders, INVENTORY: _stock, USER: _people}
"""What each service tells, by type, on an empty database at a URL."""
