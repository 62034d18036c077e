"""What the monolith writes down of a request, and what it refuses where borders are in force; its parts are the real ones."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from labs.classroom import cutting
from labs.classroom.cutting import Request, Step
from labs.services.inventory.stores import reservations
from labs.services.monolith.borders import Borders, Trespass
from labs.services.monolith.calls import OneDatabase
from labs.services.monolith.migrate import migrate_all
from labs.services.monolith.recording import Recorder
from labs.services.order import store
from labs.services.order.tables import Shipment

TABLES = ("orders", "reservations", "shipments")


class Stand:
    """An app whose one route does what a test wants."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'shop.db'}"
        migrate_all(url)
        self.db, self.recording, self.act = OneDatabase(url), folder / "recording.jsonl", lambda: None
        self.app = Flask("stand")
        self.app.testing = True

        @self.app.get("/<what>")
        def work(what: str) -> str:  # noqa: ARG001  it is only there to have a route with a name in it
            self.act()
            return "done"

    def watch(self, borders: Borders | None = None) -> None:
        Recorder(str(self.recording), borders, TABLES).install(self.app, self.db)

    def serve(self, act: Callable[[], Any]) -> list[Request]:
        self.act = act
        self.app.test_client().get("/something")
        return cutting.read(self.recording)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path)
    yield made
    made.db.engine.dispose()


def test_it_writes_down_who_calls_whom_what_they_ask_and_in_which_transaction(stand: Stand) -> None:
    stand.watch()

    def act() -> None:
        with stand.db.reading() as session:
            store.get(session, "none")
        with stand.db.transaction() as tx:
            store.locked(tx, "none")
            reservations.expire(tx, "none", time.time())

    (request,) = stand.serve(act)
    assert (request.request, request.status) == ("GET /<what>", 200)
    assert [step for step in request.steps if step.called.startswith("db.")] == [
        Step("order.store", "db.orders", "SELECT", 1),
        Step("order.store", "db.orders", "SELECT", 2),
        Step("inventory.stores.reservations", "db.reservations", "SELECT", 2),
    ]
    assert Step("customer", "order.store", "get", 0) in request.steps
    assert Step("customer", "inventory.stores.reservations", "expire", 2) in request.steps


def test_what_is_written_at_the_end_counts_for_the_owner_of_the_table(stand: Stand) -> None:
    stand.watch(Borders({"order-service": ["order.*", "db.orders"], "other": ["*"]}))

    def act() -> None:
        with stand.db.transaction() as tx:
            tx.add(Shipment(order_id="1", tracking_code="", shipped=[], missing=[], shipped_at=0.0))
            store.locked(tx, "none")  # a look at another table makes the unit of work write first

    (request,) = stand.serve(act)
    assert Step("db.shipments", "db.shipments", "INSERT", 1) in request.steps


def test_a_part_that_reaches_for_a_foreign_table_is_refused_and_nothing_is_changed(stand: Stand) -> None:
    stand.watch(Borders({"order-service": ["order.*"], "data-service": ["db.*"]}))

    def act() -> None:
        with stand.db.transaction() as tx:
            store.locked(tx, "none")

    with pytest.raises(Trespass, match=r"order\.store, of order-service, reaches for db\.orders, of data-service"):
        stand.serve(act)
    (request,) = cutting.read(stand.recording)
    assert request.steps[-1].called == "db.orders"


def test_nothing_is_watched_between_requests_and_none_is_lost_to_the_one_before(stand: Stand) -> None:
    stand.watch()

    def act() -> None:
        with stand.db.reading() as session:
            store.get(session, "none")

    act()
    assert cutting.read(stand.recording) == []
    stand.serve(act)
    first, second = stand.serve(act)
    assert first.steps == second.steps
