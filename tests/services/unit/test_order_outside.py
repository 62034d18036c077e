"""order-service and the world outside over real HTTP: what provider and carrier answer, and what becomes of the order."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import requests
from sqlalchemy import select
from werkzeug.serving import make_server

from labs.services.chassis.api import create_api
from labs.services.chassis.client import Unreachable
from labs.services.chassis.database import Database
from labs.services.chassis.settings import Settings
from labs.services.order import settlement, store
from labs.services.order.domain import Status
from labs.services.order.fulfilment import Fulfilment
from labs.services.order.orchestrator import Orchestrator
from labs.services.order.payments import Payments
from labs.services.order.progress import LEASE
from labs.services.order.provider import TIMEOUT, Provider
from labs.services.order.saga import Done, Later, Refused
from labs.services.order.tables import Payment, Shipment
from labs.services.outside import carrier, key, payments, striking
from labs.services.outside.faults import Switches
from tests.services.unit.order_stand import COST, get, place

KEY = "a-key-of-the-tests"
DOOMED = f"""
import sys
from labs.services.chassis import crash
from labs.services.chassis.database import Database
from labs.services.order.fulfilment import Fulfilment
from labs.services.order.orchestrator import Orchestrator
from labs.services.order.payments import Payments
from labs.services.order.provider import Provider

_, path, url, point = sys.argv
payments = Payments(Provider("payments", url + "/payments", {KEY!r}))
fulfilment = Fulfilment(Provider("carrier", url + "/carrier", {KEY!r}))
worker = Orchestrator(Database("sqlite:///" + path), {{"charge": payments.charge, "ship": fulfilment.ship}})
crash.arm(point)
[task] = worker.take({{"charge": 1}})
while task:
    task = worker.carry(task, lambda _step: True)
"""
"""A worker that takes one order, and is killed where `point` says."""


@dataclass
class World:
    """The world outside at `url`, with faults that can be switched on."""

    url: str
    faults: Switches

    def payments(self, api_key: str = KEY) -> Payments:
        return Payments(Provider("payments", f"{self.url}/payments", api_key))

    def fulfilment(self) -> Fulfilment:
        return Fulfilment(Provider("carrier", f"{self.url}/carrier", KEY))

    def book(self) -> dict[str, list[dict[str, int]]]:
        """The provider's."""
        answer = requests.get(f"{self.url}/payments/book", headers={"Authorization": f"Bearer {KEY}"}, timeout=5)
        found: dict[str, list[dict[str, int]]] = answer.json()
        return found


@pytest.fixture
def world(migrated) -> Iterator[World]:
    db = migrated("outside")
    app, switches = create_api("outside", Settings(service="outside", log_level="ERROR"), db), Switches(db)
    striking.install(app, switches)
    for gateway in (payments, carrier):
        app.register_blueprint(gateway.blueprint(db, key.Key(KEY)))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield World(f"http://127.0.0.1:{server.port}", switches)
    server.shutdown()
    thread.join()


@pytest.fixture
def db(migrated) -> Database:
    return migrated("order")


def confirmed(db: Database) -> str:
    """The id of an order whose pieces are there."""
    order_id = place(db)
    with db.transaction() as tx:
        assert store.settle(tx, order_id, Status.CONFIRMED)
    return order_id


def carry_on(db: Database, world: World, order_id: str) -> None:
    """To its end, with time passing quickly."""
    pays, ships = world.payments(), world.fulfilment()
    does = {"charge": pays.charge, "refund": pays.refund, "repay": pays.repay, "ship": ships.ship}
    ahead = 0.0
    worker = Orchestrator(db, {**does, "release": lambda _order: Done()}, clock=lambda: time.time() + ahead)
    for _ in range(20):
        if not get(db, order_id).step:
            return
        for task in worker.take(dict.fromkeys(("reserve", "charge", "fulfil", "repay"), 5)):
            worker.carry(task)
        ahead += LEASE + 1
    pytest.fail(f"it is still {get(db, order_id).status}: {get(db, order_id).error}")


def test_an_order_is_charged_once_and_shipped(db, world):
    order_id = confirmed(db)
    carry_on(db, world, order_id)
    order = get(db, order_id)
    assert order.status == Status.FULFILLED
    assert order.tracking_code.startswith("TRACK-")
    assert [(each["order_id"], each["amount"]) for each in world.book()["charges"]] == [(order_id, COST)]
    with db.reading() as session:
        [parcel] = session.scalars(select(Shipment))
        [noted] = session.scalars(select(Payment))
    assert (parcel.tracking_code, len(parcel.shipped), parcel.missing) == (order.tracking_code, 2, [])
    assert (noted.kind, noted.amount, noted.day) == ("charge", COST, datetime.now(UTC).date().isoformat())


@pytest.mark.parametrize(
    ("fault", "status", "charged", "back"),
    [
        ("payments_declines", "rejected", [], []),
        ("payments_drops_every_3rd", "fulfilled", [COST], []),
        ("carrier_misses_a_line", "fulfilled", [COST], [900]),
        ("carrier_ships_nothing", "rejected", [COST], [COST]),
    ],
)
def test_what_goes_wrong_outside_is_paid_for_by_nobody(db, world, fault, status, charged, back):
    world.faults.turn_on(fault)
    order_id = confirmed(db)
    carry_on(db, world, order_id)
    assert get(db, order_id).status == status
    assert [each["amount"] for each in world.book()["charges"]] == charged
    assert [each["amount"] for each in world.book()["refunds"]] == back


@pytest.mark.parametrize("point", ["before_call", "after_call", "before_commit", "after_commit"])
def test_a_process_that_is_killed_leaves_an_order_that_another_one_finishes(db, world, point):
    order_id = confirmed(db)
    worker = [sys.executable, "-c", DOOMED, db.engine.url.database, world.url, f"{point}@2"]
    doomed = subprocess.run(worker, capture_output=True, text=True, timeout=60, check=False)
    assert doomed.returncode == -signal.SIGKILL, doomed.stderr
    assert get(db, order_id).step, "it was in the middle"
    carry_on(db, world, order_id)
    assert get(db, order_id).status == Status.FULFILLED
    assert [each["amount"] for each in world.book()["charges"]] == [COST]
    assert world.book()["refunds"] == []


def test_a_refund_before_the_charge_bars_it(db, world):
    order = get(db, confirmed(db))
    assert world.payments().refund(order) == Done()
    assert isinstance(world.payments().charge(order), Refused)
    assert world.book()["charges"] == []


@pytest.mark.parametrize("action", ["refund", "repay"])
def test_money_goes_back_once_however_often_the_answer_is_lost(db, world, action):
    order = get(db, confirmed(db))
    order.missing = [{"sku": "tea", "quantity": 1}]
    give_back = getattr(world.payments(), action)
    world.payments().charge(order)
    world.faults.turn_on("payments_drops_every_3rd", every=1)
    lost = give_back(order)
    assert isinstance(lost, Later) and lost.maybe_done
    world.faults.turn_off(["payments_drops_every_3rd"])
    assert isinstance(give_back(order), Done)
    assert [each["amount"] for each in world.book()["refunds"]] == [COST if action == "refund" else 350]


def test_whoever_is_away_or_broken_is_asked_later_and_it_is_said_whether_it_may_be_done(db, world):
    order = get(db, confirmed(db))
    nowhere = Payments(Provider("payments", "http://127.0.0.1:1", KEY)).charge(order)
    assert isinstance(nowhere, Later) and not nowhere.maybe_done
    world.faults.turn_on("payments_500")
    broken = world.payments().charge(order)
    assert isinstance(broken, Later) and broken.maybe_done
    world.faults.turn_off(["payments_500"])
    wrong_key = world.payments("another-key").charge(order)
    assert isinstance(wrong_key, Later), "our mistake is not the customer's"
    assert "API key" in wrong_key.reason


def test_a_call_is_over_before_somebody_else_may_take_the_step():
    assert TIMEOUT < LEASE / 2


# --- settlement -------------------------------------------------------------------------------------------------------


def settled(db: Database, world: World, day: str) -> settlement.Settlement:
    """The comparison of this day, once it is done."""
    with db.transaction() as tx:
        settlement.ask(tx, day)
    settlement.carry_on(db, world.payments())
    with db.reading() as session:
        waiting = settlement.find(session, day)
    assert waiting is not None and waiting.status == "waiting", "only what came over the queue is begun"
    with db.transaction() as tx:
        settlement.begin(tx, day)
    settlement.carry_on(db, world.payments())
    with db.reading() as session:
        found = settlement.find(session, day)
    assert found is not None
    return found


def test_two_books_that_agree_have_no_differences(db, world):
    day = datetime.now(UTC).date().isoformat()
    for fault in ("", "carrier_misses_a_line", "carrier_ships_nothing", "payments_declines"):
        world.faults.turn_on(fault) if fault else None
        carry_on(db, world, confirmed(db))
        world.faults.turn_off([fault])
    found = settled(db, world, day)
    assert (found.status, found.compared, found.differences) == ("done", 5, [])
    assert settled(db, world, "2026-01-31").compared == 0


def test_a_charge_whose_answer_never_came_is_in_both_books_once_it_is_refunded(db, world):
    order = get(db, confirmed(db))
    world.payments().charge(order)
    with db.transaction() as tx:
        locked = store.locked(tx, order.id)
        assert locked is not None
        locked.doubt = True
        assert store.cancel(locked)
    carry_on(db, world, order.id)
    assert settled(db, world, datetime.now(UTC).date().isoformat()).differences == []


def test_every_difference_between_two_books_is_listed(db, world):
    day = datetime.now(UTC).date().isoformat()
    order = get(db, confirmed(db))
    world.payments().charge(order)
    with db.transaction() as tx:
        note = {"order_id": "nobody-knows", "kind": "refund", "amount": 5, "currency": "EUR", "day": day}
        tx.add(Payment(key="k", **note))
    assert settled(db, world, day).differences == [
        {"kind": "charge", "order_id": order.id, "ours": 0, "theirs": COST},
        {"kind": "refund", "order_id": "nobody-knows", "ours": 5, "theirs": 0},
    ]


def test_a_settlement_waits_for_a_provider_that_is_away(db, world, monkeypatch):
    with db.transaction() as tx:
        settlement.ask(tx, "2026-01-31")
        settlement.begin(tx, "2026-01-31")
    away = Payments(Provider("payments", "http://127.0.0.1:1", KEY))
    with pytest.raises(Unreachable):
        away.book("2026-01-31")
    settlement.carry_on(db, away)
    settlement.carry_on(db, world.payments())
    with db.reading() as session:
        assert settlement.find(session, "2026-01-31").status == "waiting", "not at once again"
    later = time.time() + settlement.PAUSE
    monkeypatch.setattr(time, "time", lambda: later)
    settlement.carry_on(db, world.payments())
    with db.reading() as session:
        assert settlement.find(session, "2026-01-31").status == "done"
