"""The settlement of a day: our own book against the payment provider's, over real HTTP."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from labs.services.chassis.client import Unreachable
from labs.services.chassis.database import Database
from labs.services.order import settlement, store
from labs.services.order.payments import Payments
from labs.services.order.provider import Provider
from labs.services.order.saga import Later, Outcome
from labs.services.order.tables import Order, Payment
from tests.services.unit.order_stand import COST, get, order_database
from tests.services.unit.world_stand import KEY, World, carry_on, confirmed, world_at


@pytest.fixture
def world(migrated) -> Iterator[World]:
    with world_at(migrated("outside")) as world:
        yield world


@pytest.fixture
def db(database_url) -> Iterator[Database]:
    with order_database(database_url) as db:
        yield db


@dataclass
class Midnight:
    """Everybody's clock, some seconds before or after a midnight of UTC."""

    moment: datetime
    seconds: float = 0.0

    def now(self) -> float:
        return self.moment.timestamp() + self.seconds

    def day(self, which: int) -> str:
        """0 is the one that begins with it."""
        return (self.moment + timedelta(days=which)).date().isoformat()


@pytest.fixture
def midnight(monkeypatch) -> Midnight:
    clock = Midnight(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    monkeypatch.setattr(time, "time", clock.now)
    return clock


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


def cancelled_in_doubt(db: Database, order: Order) -> None:
    """By its customer, while nobody knows whether it is charged."""
    with db.transaction() as tx:
        locked = store.locked(tx, order.id)
        assert locked is not None
        locked.doubt = True
        assert store.cancel(locked)


def lost(world: World, ask: Callable[[Order], Outcome], order: Order) -> None:
    """The provider does it, and its answer never comes."""
    world.faults.turn_on("payments_drops_every_3rd", every=1)
    assert isinstance(ask(order), Later)
    world.faults.turn_off(["payments_drops_every_3rd"])


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
    cancelled_in_doubt(db, order)
    carry_on(db, world, order.id)
    assert settled(db, world, datetime.now(UTC).date().isoformat()).differences == []


def test_a_charge_and_a_refund_are_of_the_day_when_the_money_moved_and_not_when_we_heard_of_it(db, world, midnight):
    midnight.seconds = -30
    lost(world, world.payments().charge, order := get(db, confirmed(db)))
    cancelled_in_doubt(db, order)
    midnight.seconds = -10
    lost(world, world.payments().refund, order)
    midnight.seconds = 10
    carry_on(db, world, order.id)
    assert get(db, order.id).status == "cancelled"
    before, after = (settled(db, world, midnight.day(which)) for which in (-1, 0))
    assert (before.compared, before.differences) == (2, [])
    assert (after.compared, after.differences) == (0, [])


def test_a_refund_after_midnight_of_a_charge_before_it_is_in_two_settlements(db, world, midnight):
    midnight.seconds = -30
    lost(world, world.payments().charge, order := get(db, confirmed(db)))
    cancelled_in_doubt(db, order)
    midnight.seconds = 10
    carry_on(db, world, order.id)
    for which in (-1, 0):
        found = settled(db, world, midnight.day(which))
        assert (found.compared, found.differences) == (1, []), f"on day {which}"


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
        away.entries("2026-01-31", None)
    settlement.carry_on(db, away)
    settlement.carry_on(db, world.payments())
    with db.reading() as session:
        assert settlement.find(session, "2026-01-31").status == "waiting", "not at once again"
    later = time.time() + settlement.PAUSE
    monkeypatch.setattr(time, "time", lambda: later)
    settlement.carry_on(db, world.payments())
    with db.reading() as session:
        assert settlement.find(session, "2026-01-31").status == "done"
