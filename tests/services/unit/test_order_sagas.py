"""What carries sagas on in the background of a worker: woken, bounded step by step, patient with its database, orderly at the
end. Threads stand in for nameko's green ones."""

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from labs.classroom.watching import until
from labs.services.chassis import logs
from labs.services.chassis.database import Database
from labs.services.order import sagas, store
from labs.services.order.domain import Status
from labs.services.order.saga import Outcome
from labs.services.order.sagas import Sagas
from labs.services.order.settings import Settings
from tests.services.unit.order_stand import Outside, get, place


class Container:
    """As much of nameko's as an extension needs."""

    def __init__(self, db: Database) -> None:
        self.wakes = 0
        self.config = {"resources": SimpleNamespace(db=db, relay=SimpleNamespace(wake=self._wake))}
        self.threads: list[threading.Thread] = []

    def spawn_managed_thread(self, work: Callable[[], None], identifier: str) -> None:
        self.threads.append(threading.Thread(target=work, name=identifier))
        self.threads[-1].start()

    def _wake(self) -> None:
        self.wakes += 1


class Worker:
    """A worker that has Sagas, and the world outside."""

    def __init__(self, db: Database) -> None:
        self.db, self.outside, self.container, self.sagas = db, Outside(), Container(db), Sagas()
        self.actions = dict(self.outside.actions())
        self.sagas.container = self.container

    def confirmed(self, count: int = 1) -> list[str]:
        """So many orders whose pieces are there, confirmed by an event."""
        orders = [place(self.db) for _ in range(count)]
        for order_id in orders:
            with self.db.transaction() as tx:
                assert store.settle(tx, order_id, Status.CONFIRMED)
        self.sagas.worker_result(None)
        return orders

    def are(self, orders: list[str], status: Status) -> bool:
        return bool(until(lambda: {get(self.db, order_id).status for order_id in orders} == {status}))


@pytest.fixture
def worker(migrated, monkeypatch) -> Iterator[Worker]:
    worker = Worker(migrated("order"))
    urls = dict.fromkeys(("inventory_url", "payments_url", "carrier_url"), "http://127.0.0.1:1")
    settings = Settings(service="order-service", outside_key="a-key-of-the-tests", **urls)
    monkeypatch.setattr(sagas, "load", lambda _kind: settings)
    monkeypatch.setattr(sagas, "actions", lambda *_: worker.actions)
    logs.configure("order-service")
    worker.sagas.setup()
    yield worker
    worker.sagas.stop()
    for thread in worker.container.threads:
        thread.join(5)
        assert not thread.is_alive()


def held(action: Callable[..., Outcome]) -> tuple[Callable[..., Outcome], threading.Event, list[Any]]:
    """The action, which now waits for the event; and who has asked for it so far."""
    free, asked = threading.Event(), []

    def waits(order: Any) -> Outcome:
        asked.append(order.id)
        assert free.wait(10)
        return action(order)

    return waits, free, asked


def test_confirmed_orders_are_carried_to_their_end_and_what_they_tell_leaves_at_once(worker):
    worker.sagas.start()
    orders = worker.confirmed(40)
    assert worker.are(orders, Status.FULFILLED)
    assert sorted(worker.outside.asked) == ["charge"] * 40 + ["ship"] * 40
    assert worker.container.wakes >= 40


def test_what_was_due_before_the_worker_came_is_not_forgotten(worker):
    orders = worker.confirmed(2)
    worker.sagas.start()
    assert worker.are(orders, Status.FULFILLED)


def test_what_another_process_has_changed_is_found_without_being_woken(worker):
    worker.sagas.start()
    order_id = place(worker.db)
    with worker.db.transaction() as tx:
        assert store.cancel(store.locked(tx, order_id))
    assert worker.are([order_id], Status.CANCELLED)


def test_a_carrier_that_hangs_holds_up_no_charge_and_gets_no_more_than_its_share(worker):
    worker.actions["ship"], free, asked = held(worker.actions["ship"])
    worker.sagas.start()
    orders = worker.confirmed(sagas.AT_ONCE + 10)
    assert worker.are(orders, Status.PAID)
    assert until(lambda: len(asked) == sagas.AT_ONCE)
    assert not until(lambda: len(asked) > sagas.AT_ONCE, within=0.3)
    free.set()
    assert worker.are(orders, Status.FULFILLED)


def test_a_worker_that_stops_takes_nothing_more_and_waits_for_the_answers_under_way(worker):
    worker.actions["charge"], free, asked = held(worker.actions["charge"])
    worker.sagas.start()
    [order_id] = worker.confirmed()
    assert until(lambda: asked)
    stopping = threading.Thread(target=worker.sagas.stop)
    stopping.start()
    assert not until(lambda: not stopping.is_alive(), within=0.2)
    free.set()
    stopping.join(5)
    assert get(worker.db, order_id).status == Status.PAID
    assert "ship" not in worker.outside.asked


def test_a_database_that_fails_for_a_while_is_said_once_and_waited_for(worker, monkeypatch, capsys):
    healthy, failures = Database.reading, []

    def reading(db: Database) -> Any:
        if len(failures) < 3:
            failures.append(1)
            raise OperationalError("SELECT", {}, Exception("the disk is full"))
        return healthy(db)

    monkeypatch.setattr(Database, "reading", reading)
    worker.sagas.start()
    assert until(lambda: len(failures) == 3)
    assert worker.are(worker.confirmed(), Status.FULFILLED)
    assert capsys.readouterr().out.count("database fails, sagas wait") == 1


def test_an_answer_that_cannot_be_written_down_takes_nobody_with_it(worker, capsys):
    worker.sagas.start()
    orchestrator = worker.sagas._orchestrator
    carry, failed = orchestrator.carry, []

    def carry_but_once(task: Any, has_room: Any) -> Any:
        if not failed:
            failed.append(task.order.id)
            raise OperationalError("UPDATE", {}, Exception("the disk is full"))
        return carry(task, has_room)

    orchestrator.carry = carry_but_once
    orders = worker.confirmed(3)
    assert until(lambda: failed)
    assert worker.are([order_id for order_id in orders if order_id not in failed], Status.FULFILLED)
    assert get(worker.db, failed[0]).status == Status.CONFIRMED, "until its lease is over"
    assert until(lambda: "an answer is not written down" in capsys.readouterr().out)
