"""What is old is forgotten, a little at a time, and nothing else is; on SQLite and on PostgreSQL."""

import threading
import time
from collections.abc import Iterator

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import insert, text

from labs.services.chassis import inbox, keeper
from labs.services.chassis.database import Database
from labs.services.chassis.idempotency import idempotency_keys
from labs.services.chassis.keeper import BATCH, Keeper, Kept, forget, kept, tidy
from labs.services.chassis.publisher import Publisher
from labs.services.chassis.schema.idempotency import create_idempotency_table_v1
from labs.services.chassis.settings import Settings

SETTINGS = Settings(service="probe-service")
HOUR, DAY = 3600.0, 86400.0


@pytest.fixture
def rows(db) -> Iterator[Database]:
    """A database with rows of every age; `new` ones must stay."""
    now = time.time()
    with db.engine.begin() as connection:
        create_idempotency_table_v1(Operations(MigrationContext.configure(connection)))
    with db.transaction() as tx:
        for name, sent_at in (("old", now - 2 * HOUR), ("new", now - HOUR / 2), ("waiting", None)):
            tx.tell(name, {})
            tx.execute(text("UPDATE outbox SET sent_at = :at WHERE type = :name"), {"at": sent_at, "name": name})
        for name, received_at in (("old", now - 8 * DAY), ("new", now - 6 * DAY)):
            tx.execute(insert(inbox.inbox).values(consumer="c", event_id=name, received_at=received_at))
        for name, created_at in (("old", now - 25 * HOUR), ("new", now - 23 * HOUR)):
            row = {"caller": "c", "key": name, "fingerprint": "f", "created_at": created_at}
            tx.execute(insert(idempotency_keys).values(**row))
    yield db


def left(db: Database, column: str, table: str) -> set[str]:
    with db.reading() as session:
        return set(session.scalars(text(f"SELECT {column} FROM {table}")))


def test_what_nobody_needs_goes_and_what_waits_or_is_young_stays(rows):
    assert [forget(rows, each) for each in kept(SETTINGS)] == [1, 1, 1]
    assert left(rows, "type", "outbox") == {"new", "waiting"}
    assert left(rows, "event_id", "inbox") == {"new"}
    assert left(rows, "key", "idempotency_keys") == {"new"}
    assert [forget(rows, each) for each in kept(SETTINGS)] == [0, 0, 0]


def test_everything_that_is_old_goes_at_once(rows):
    tidy(SETTINGS, rows)
    assert left(rows, "key", "idempotency_keys") == left(rows, "event_id", "inbox") == {"new"}
    assert left(rows, "type", "outbox") == {"new", "waiting"}


def test_how_long_is_a_setting(rows):
    short = Settings(service="probe-service", keep_sent=60, keep_received=60, keep_answers=60)
    assert [forget(rows, each) for each in kept(short)] == [2, 2, 2]
    assert left(rows, "type", "outbox") == {"waiting"}


def test_a_table_that_a_service_does_not_have_is_no_trouble(db):
    assert forget(db, Kept("idempotency_keys", "created_at", 1)) == 0


def test_much_goes_in_small_batches_so_that_others_get_their_turn(db, monkeypatch):
    old = [{"consumer": "c", "event_id": f"e-{n}", "received_at": 1.0} for n in range(2 * BATCH + 1)]
    with db.transaction() as tx:
        tx.execute(insert(inbox.inbox), old)
    remaining: list[int] = []
    pause = time.sleep

    def look_and_pause(seconds: float) -> None:
        remaining.append(len(left(db, "event_id", "inbox")))
        with db.transaction() as tx:  # somebody else gets in between
            tx.execute(text("INSERT INTO effects (id) VALUES ('x')"))
        pause(seconds)

    monkeypatch.setattr(keeper.time, "sleep", look_and_pause)
    assert forget(db, Kept("inbox", "received_at", DAY)) == 2 * BATCH + 1
    assert remaining == [BATCH + 1, 1]
    assert left(db, "event_id", "inbox") == set()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_keepers_on_one_database_do_not_wait_for_each_other(rows, url):
    other = Database(url)
    with rows.transaction() as tx:
        tx.execute(text("SELECT * FROM inbox FOR UPDATE"))
        began = time.monotonic()
        assert forget(other, Kept("inbox", "received_at", DAY)) == 0
        assert time.monotonic() - began < 1
    assert forget(other, Kept("inbox", "received_at", DAY)) == 2
    other.engine.dispose()


def test_a_database_that_fails_does_not_end_it(db, monkeypatch):
    monkeypatch.setattr(keeper, "COUNTING", 0.01)
    monkeypatch.setattr(keeper, "FORGETTING", 0.01)
    with db.transaction() as tx:
        tx.execute(text("ALTER TABLE outbox RENAME TO hidden"))
        tx.execute(text("CREATE TABLE outbox (id INTEGER PRIMARY KEY)"))  # without the column that it looks at
        tx.execute(insert(inbox.inbox).values(consumer="c", event_id="old", received_at=1.0))
    at_work = Keeper(SETTINGS, db, Publisher("", 1), threading.Event())
    thread = threading.Thread(target=at_work.run)
    thread.start()
    try:
        thread.join(0.3)
        assert thread.is_alive()
        with db.transaction() as tx:
            tx.execute(text("DROP TABLE outbox"))
            tx.execute(text("ALTER TABLE hidden RENAME TO outbox"))
        deadline = time.monotonic() + 5
        while left(db, "event_id", "inbox") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert left(db, "event_id", "inbox") == set()
    finally:
        at_work.stop()
        thread.join(5)
    assert not thread.is_alive()
