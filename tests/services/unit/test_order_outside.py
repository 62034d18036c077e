"""order-service and the world outside over real HTTP: what provider and carrier answer, and what becomes of the order."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from labs.services.chassis.database import Database
from labs.services.order.domain import Status
from labs.services.order.payments import Payments
from labs.services.order.progress import LEASE
from labs.services.order.provider import TIMEOUT, Provider
from labs.services.order.saga import Done, Later, Refused
from labs.services.order.tables import Payment, Shipment
from tests.services.unit.order_stand import COST, get
from tests.services.unit.world_stand import KEY, World, carry_on, confirmed, world_at

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


@pytest.fixture
def world(migrated) -> Iterator[World]:
    with world_at(migrated("outside")) as world:
        yield world


@pytest.fixture
def db(migrated) -> Database:
    return migrated("order")


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
