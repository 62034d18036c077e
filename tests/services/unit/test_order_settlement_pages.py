"""A day with thousands of charges is settled too: the provider's book comes in pages, and a look at it ends after a while."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from labs.services.chassis.client import Unreachable
from labs.services.chassis.database import Database
from labs.services.order import comparison, settlement
from labs.services.order.payments import PAGE, Payments
from labs.services.order.provider import Provider
from labs.services.order.tables import Payment, ProviderEntry
from labs.services.outside.store import Charge, Refund
from tests.services.unit.order_stand import order_database
from tests.services.unit.world_stand import KEY, World, world_at

DAY, ORDERS = "2026-01-31", 1250
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def world(migrated) -> Iterator[World]:
    with world_at(migrated("outside")) as world:
        yield world


@pytest.fixture
def db(database_url) -> Iterator[Database]:
    with order_database(database_url) as db:
        yield db


@pytest.fixture
def busy_day(db, world) -> None:
    """Each order was charged, and half of it went back in two parts, which are far from each other in the provider's book: 3750
    entries there. Both books agree."""
    charges = [
        {"key": o, "order_id": o, "id": f"c-{o}", "amount": 100, "currency": "EUR", "status": "charged", "refunded": 50}
        for o in map(str, range(ORDERS))
    ]
    backs = [
        {"charge_key": str(o), "id": f"{part}-{o}", "amount": 25, "at": NOON}
        for part in ("first", "second")
        for o in range(ORDERS)
    ]
    ours = [
        {"key": f"{o}-{kind}", "order_id": str(o), "kind": kind, "amount": amount, "currency": "EUR", "day": DAY}
        for o in range(ORDERS)
        for kind, amount in (("charge", 100), ("refund", 50))
    ]
    with world.db.transaction() as tx:
        tx.execute(insert(Charge), [charge | {"at": NOON} for charge in charges])
        tx.execute(insert(Refund), backs)
    with db.transaction() as tx:
        tx.execute(insert(Payment), ours)


class Pages(Payments):
    """The provider's book as it is asked for; it notes each page that it gives."""

    def __init__(self, world: World) -> None:
        super().__init__(Provider("payments", f"{world.url}/payments", KEY))
        self.sizes: list[int] = []

    def entries(self, day: str, after: str | None) -> dict[str, Any]:
        page = super().entries(day, after)
        self.sizes.append(len(page["items"]))
        return page


def begun(db: Database, day: str = DAY) -> None:
    with db.transaction() as tx:
        settlement.ask(tx, day)
        settlement.begin(tx, day)


def looked_at(db: Database, day: str = DAY) -> settlement.Settlement:
    with db.reading() as session:
        found = settlement.find(session, day)
    assert found is not None
    return found


def kept(db: Database) -> int:
    """Entries of the provider's book that are here."""
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(ProviderEntry)) or 0


@pytest.fixture
def short_looks(monkeypatch) -> None:
    """One page each."""
    monkeypatch.setattr(settlement, "LOOK", 0.0)


def to_the_end(db: Database, pages: Payments, looks: int = 100) -> settlement.Settlement:
    for _ in range(looks):
        settlement.carry_on(db, pages)
        if (found := looked_at(db)).status == settlement.DONE:
            return found
    pytest.fail("it goes on for ever")


@pytest.mark.usefixtures("busy_day")
def test_a_large_book_is_read_in_small_pages_and_agrees_across_their_borders(db, world):
    begun(db)
    found = to_the_end(db, pages := Pages(world))
    assert pages.sizes == [PAGE] * 37 + [50]
    assert (found.compared, found.different, found.differences) == (2 * ORDERS, 0, [])
    assert kept(db) == 0, "they were needed for the comparison only"


@pytest.mark.usefixtures("busy_day")
def test_what_differs_on_either_side_of_a_border_is_listed_once(db, world):
    with db.transaction() as tx:
        tx.execute(delete(Payment).where(Payment.key == f"{PAGE - 1}-charge"))  # the last of the first page
        tx.execute(update(Payment).where(Payment.key == f"{PAGE}-charge").values(amount=99))  # the first of the second
        tx.execute(
            update(Payment).where(Payment.key == f"{PAGE}-refund").values(amount=25)
        )  # as if there were one part
    with world.db.transaction() as tx:
        tx.execute(delete(Charge).where(Charge.key == str(ORDERS - 1)))  # and so its refunds
    begun(db)
    found = to_the_end(db, world.payments())
    assert (found.compared, found.different) == (2 * ORDERS, 5)
    assert found.differences == [
        {"kind": "charge", "order_id": "100", "ours": 99, "theirs": 100},
        {"kind": "charge", "order_id": "1249", "ours": 100, "theirs": 0},
        {"kind": "charge", "order_id": "99", "ours": 0, "theirs": 100},
        {"kind": "refund", "order_id": "100", "ours": 25, "theirs": 50},
        {"kind": "refund", "order_id": "1249", "ours": 50, "theirs": 0},
    ]


@pytest.mark.usefixtures("busy_day", "short_looks")
def test_a_look_ends_after_a_while_and_another_worker_goes_on_from_there(db, world):
    begun(db)
    settlement.carry_on(db, first := Pages(world))
    assert (first.sizes, kept(db), looked_at(db).status) == ([PAGE], PAGE, "waiting")
    found = to_the_end(db, second := Pages(world))
    assert len(second.sizes) == 37, "the first page is not asked for again"
    assert (found.compared, found.differences) == (2 * ORDERS, [])


@pytest.mark.usefixtures("busy_day", "short_looks")
def test_whoever_is_too_late_with_a_page_changes_nothing(db, world):
    begun(db)

    class Slow(Pages):
        def entries(self, day: str, after: str | None) -> dict[str, Any]:
            page = super().entries(day, after)
            begun(db)  # somebody asks anew meanwhile
            return page

    settlement.carry_on(db, Slow(world))
    assert kept(db) == 0
    found = to_the_end(db, world.payments())
    assert (found.compared, found.differences) == (2 * ORDERS, [])


@pytest.mark.usefixtures("busy_day", "short_looks")
def test_who_asks_anew_in_the_middle_gets_a_comparison_from_the_beginning(db, world):
    begun(db)
    settlement.carry_on(db, world.payments())
    begun(db)
    assert kept(db) == 0
    found = to_the_end(db, world.payments())
    assert (found.compared, found.differences) == (2 * ORDERS, [])


@pytest.mark.usefixtures("busy_day")
def test_of_very_many_differences_the_first_are_listed_and_all_are_counted(db, world, monkeypatch):
    monkeypatch.setattr(comparison, "MOST", 10)
    with db.transaction() as tx:
        tx.execute(delete(Payment))
    begun(db)
    found = to_the_end(db, world.payments())
    assert (found.different, len(found.differences)) == (2 * ORDERS, 10)


@pytest.mark.usefixtures("busy_day")
def test_a_provider_that_goes_away_in_the_middle_is_asked_for_the_same_page_later(db, world, monkeypatch):
    monkeypatch.setattr(settlement, "LOOK", 60.0)
    begun(db)

    class Failing(Pages):
        def entries(self, day: str, after: str | None) -> dict[str, Any]:
            if len(self.sizes) == 3:
                raise Unreachable("payments", "no connection", maybe_done=False)
            return super().entries(day, after)

    settlement.carry_on(db, Failing(world))
    assert kept(db) == 3 * PAGE
    later = time.time() + settlement.PAUSE
    monkeypatch.setattr(time, "time", lambda: later)
    found = to_the_end(db, pages := Pages(world))
    assert len(pages.sizes) == 35
    assert (found.compared, found.differences) == (2 * ORDERS, [])
