"""Every day is settled once it is over, whoever was there or away at midnight; on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from labs.services.chassis.database import Database
from labs.services.chassis.outbox import outbox
from labs.services.monolith.calls import OneDatabase, handlers, timers
from labs.services.order import nightly, settlement
from labs.services.order.saga import STEPS
from labs.services.order.tables import Order
from labs.services.order.worker import OrderWorker
from tests.services.unit.order_stand import order_database, place
from tests.services.unit.user_stand import at_once

MIDNIGHT = datetime(2026, 5, 10, tzinfo=UTC)
"""The days before it are over."""
NIGHT = MIDNIGHT.timestamp() + nightly.AFTER
DAY = 86400.0


@pytest.fixture
def db(database_url) -> Iterator[Database]:
    with order_database(database_url) as db:
        yield db


def ordered(db: Database, days_ago: int, step: str = "", attempts: int = 1) -> str:
    """An order of noon of that day: 1 is the last one before MIDNIGHT. Its saga is at this step, or has ended."""
    order_id = place(db)
    noon = (MIDNIGHT - timedelta(days=days_ago) + timedelta(hours=12)).timestamp()
    with db.transaction() as tx:
        change = {"created_at": noon, "step": step, "attempts": attempts}
        tx.execute(update(Order).where(Order.id == order_id).values(**change))
    return order_id


def told(db: Database) -> list[str]:
    """The days whose settlement the worker was told to make."""
    with db.reading() as session:
        asked = select(outbox.c.data).where(outbox.c.type == "settlement_asked").order_by(outbox.c.position)
        return [data["day"] for data in session.scalars(asked)]


def test_a_day_is_settled_once_it_has_been_over_for_an_hour(db):
    ordered(db, days_ago=1)
    assert nightly.ask(db, NIGHT - 1) == []
    assert nightly.ask(db, NIGHT) == ["2026-05-09"]
    assert told(db) == ["2026-05-09"]


def test_a_day_is_asked_for_once_however_often_a_worker_looks_or_starts(db):
    ordered(db, days_ago=1)
    for seconds in (0, 10, DAY - 1):
        again = Database(db.engine.url.render_as_string(hide_password=False))
        nightly.ask(again, NIGHT + seconds)
        again.engine.dispose()
    assert told(db) == ["2026-05-09"]
    nightly.ask(db, NIGHT + DAY)
    assert told(db) == ["2026-05-09", "2026-05-10"]


def test_workers_that_look_at_once_ask_once(db):
    ordered(db, days_ago=3)
    at_once(lambda _: nightly.ask(db, NIGHT), 8)
    assert sorted(told(db)) == ["2026-05-07", "2026-05-08", "2026-05-09"]


def test_who_was_away_for_long_catches_up_with_the_last_week(db):
    ordered(db, days_ago=40)
    assert nightly.ask(db, NIGHT) == [f"2026-05-0{day}" for day in range(3, 10)]


def test_there_is_nothing_to_settle_before_the_first_order(db):
    assert nightly.ask(db, NIGHT) == []
    ordered(db, days_ago=2)
    assert nightly.ask(db, NIGHT) == ["2026-05-08", "2026-05-09"]


@pytest.mark.parametrize(("hour", "again"), [(-12, True), (-0.01, True), (0.01, False), (5, False)])
def test_a_day_that_somebody_has_asked_for_is_asked_for_again_only_if_it_was_not_over(db, monkeypatch, hour, again):
    ordered(db, days_ago=1)
    monkeypatch.setattr(settlement.time, "time", lambda: MIDNIGHT.timestamp() + hour * 3600)
    with db.transaction() as tx:
        settlement.ask(tx, "2026-05-09")
    assert bool(nightly.ask(db, NIGHT)) == again


def test_a_day_that_was_settled_at_night_can_be_settled_anew(db):
    ordered(db, days_ago=1)
    nightly.ask(db, NIGHT)
    with db.transaction() as tx:
        settlement.ask(tx, "2026-05-09")
    assert nightly.ask(db, NIGHT + 60) == []
    assert told(db) == ["2026-05-09"] * 2


@pytest.mark.parametrize("step", nightly.MONEY)
def test_a_day_is_not_settled_while_the_answer_to_one_of_its_charges_is_awaited(db, step):
    assert step in {each.name for each in STEPS}
    ordered(db, days_ago=2)
    waiting = ordered(db, days_ago=1, step=step)
    assert nightly.ask(db, NIGHT) == ["2026-05-08"]
    with db.transaction() as tx:
        tx.execute(update(Order).where(Order.id == waiting).values(step=""))
    assert nightly.ask(db, NIGHT) == ["2026-05-09"]


def test_an_order_that_never_gets_an_answer_is_not_waited_for_for_ever(db):
    ordered(db, days_ago=1, step="charge", attempts=nightly.ENOUGH)
    assert nightly.ask(db, NIGHT) == ["2026-05-09"]


def test_an_order_of_today_holds_up_no_settlement(db):
    ordered(db, days_ago=1)
    ordered(db, days_ago=0, step="charge")
    assert nightly.ask(db, NIGHT) == ["2026-05-09"]


# --- who looks --------------------------------------------------------------------------------------------------------


def provider(pages: list[tuple[str, str | None]]) -> SimpleNamespace:
    """An empty book; it notes for which (day, place) it is asked."""

    def entries(day: str, after: str | None) -> dict[str, object]:
        pages.append((day, after))
        return {"items": [], "next": None}

    return SimpleNamespace(payments=SimpleNamespace(entries=entries))


def tick(worker: OrderWorker) -> None:
    """All its timers, as whoever runs it calls them."""
    for _seconds, call in timers(worker):
        call()


def test_the_worker_tells_itself_at_night(db, monkeypatch):
    ordered(db, days_ago=1)
    worker = OrderWorker()
    vars(worker).update(db=db, sagas=provider(asked := []))
    monkeypatch.setattr(settlement.time, "time", lambda: NIGHT)
    tick(worker)
    assert (told(db), asked) == (["2026-05-09"], []), "it goes on when the event comes over the queue"


def test_the_monolith_settles_at_night_without_a_queue(db, monkeypatch):
    ordered(db, days_ago=1)
    own = OneDatabase(db.engine.url.render_as_string(hide_password=False))
    worker = OrderWorker()
    vars(worker).update(db=own, sagas=provider(asked := []))
    for event_type, handler in handlers(worker):
        own.handlers.setdefault(event_type, []).append(handler)
    monkeypatch.setattr(settlement.time, "time", lambda: NIGHT)
    tick(worker)
    tick(worker)
    own.engine.dispose()
    with db.reading() as session:
        found = settlement.find(session, "2026-05-09")
    assert found is not None
    assert (found.status, asked, told(db)) == ("done", [("2026-05-09", None)], [])
