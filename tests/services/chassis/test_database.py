"""One way to write, one way to read: what threads, green threads and processes may expect of it."""

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import nullcontext

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from labs.services.chassis import inbox
from labs.services.chassis.database import CONNECTIONS, Database, Nested, insert_new, outage
from tests.services.delivery.stand import eventually

COUNT = text("SELECT count(*) FROM effects")
INSERT = text("INSERT INTO effects (id) VALUES ('x')")
GREEN = """
import sys
import eventlet
eventlet.monkey_patch()
import time
from sqlalchemy import text
from labs.services.chassis.database import Database

db = Database(sys.argv[1])

def write(number):
    with db.transaction() as tx:
        tx.execute(text("INSERT INTO effects (id) VALUES (:id)"), {"id": number})
        time.sleep(0.05)

greens = [eventlet.spawn(write, n) for n in range(20)]
for green in greens: green.wait()
"""
WRITER = """
import sys
from sqlalchemy import text
from labs.services.chassis.database import Database

db = Database(sys.argv[1])
for n in range(200):
    with db.transaction() as tx:
        tx.execute(text("INSERT INTO effects (id) VALUES (:id)"), {"id": n})
"""


def test_state_and_event_are_committed_together_or_not_at_all(db):
    with pytest.raises(RuntimeError), db.transaction() as tx:
        tx.execute(INSERT)
        tx.tell("happened", {})
        raise RuntimeError
    with db.reading() as session:
        assert (session.scalar(COUNT), session.scalar(text("SELECT count(*) FROM outbox"))) == (0, 0)
    with db.transaction() as tx:
        tx.execute(INSERT)
        tx.tell("happened", {})
    with db.reading() as session:
        assert (session.scalar(COUNT), session.scalar(text("SELECT count(*) FROM outbox"))) == (1, 1)


def test_a_reader_sees_one_moment_and_blocks_no_writer(db):
    with db.reading() as session:
        assert session.scalar(COUNT) == 0
        with db.transaction() as tx:
            tx.execute(INSERT)
        assert session.scalar(COUNT) == 0
    with db.reading() as session:
        assert session.scalar(COUNT) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_threads_that_read_and_then_write_lose_no_update(db):
    def increment() -> None:
        for _ in range(50):
            with db.transaction() as tx:
                count = tx.scalar(text("SELECT count(*) FROM effects WHERE id = 'x'"))
                tx.execute(text("INSERT INTO effects (id) VALUES (:id)"), {"id": f"seen-{count}"})
                tx.execute(INSERT)

    threads = [threading.Thread(target=increment) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with db.reading() as session:
        assert session.scalar(text("SELECT count(DISTINCT id) FROM effects WHERE id LIKE 'seen-%'")) == 400


def test_processes_wait_for_each_other(db, url):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url]) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    with db.reading() as session:
        assert session.scalar(COUNT) == 400


def test_green_threads_that_sleep_in_a_transaction_wait_for_each_other_instead_of_failing(db, url):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", GREEN, url], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    with db.reading() as session:
        assert session.scalar(COUNT) == 20


def test_a_transaction_inside_a_transaction_is_an_error_at_once_and_the_next_one_works(db):
    began = time.monotonic()
    with pytest.raises(Nested, match="use that one"), db.transaction() as tx:
        tx.execute(INSERT)
        with db.transaction():
            pass
    assert time.monotonic() - began < 1
    with db.transaction() as tx:
        assert tx.scalar(COUNT) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_writer_gives_up_when_another_process_never_ends(db, url, monkeypatch):
    monkeypatch.setattr("labs.services.chassis.database.LOCK_TIMEOUT", 0.2)
    impatient = Database(url)
    with db.transaction() as tx:
        tx.execute(INSERT)
        with pytest.raises(OperationalError, match="database is locked"), impatient.transaction() as other:
            other.execute(INSERT)
    with impatient.transaction() as other:
        other.execute(INSERT)
    impatient.engine.dispose()


@pytest.mark.parametrize("for_good", [False, True], ids=["for a moment", "for good"])
def test_a_new_file_into_which_another_process_is_about_to_write_is_waited_for(tmp_path, monkeypatch, for_good):
    monkeypatch.setattr("labs.services.chassis.database.LOCK_TIMEOUT", 0.5)
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    if not for_good:
        threading.Timer(0.2, other.rollback).start()
    with pytest.raises(OperationalError, match="database is locked") if for_good else nullcontext():
        assert Database(f"sqlite:///{tmp_path}/new.db").engine.connect().exec_driver_sql("SELECT 1").scalar() == 1
    other.close()


def test_a_foreign_key_is_kept(db):
    with db.transaction() as tx:
        tx.execute(text("CREATE TABLE parents (id INTEGER PRIMARY KEY)"))
        tx.execute(text("CREATE TABLE children (parent INTEGER NOT NULL REFERENCES parents)"))
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), db.transaction() as tx:
        tx.execute(text("INSERT INTO children VALUES (1)"))


# --- PostgreSQL: several writers at once -----------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_writer_that_wants_a_locked_row_gives_up_when_its_owner_never_ends(db, url, monkeypatch):
    monkeypatch.setattr("labs.services.chassis.database.LOCK_TIMEOUT", 1)
    impatient = Database(url)
    with db.transaction() as tx:
        tx.execute(INSERT)
    with db.transaction() as tx:
        tx.execute(text("UPDATE effects SET id = 'y'"))
        began = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout") as said, impatient.transaction() as other:
            other.execute(text("UPDATE effects SET id = 'z'"))
        assert 0.9 < time.monotonic() - began < 4
    assert outage(said.value)
    impatient.engine.dispose()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nine_processes_of_a_shop_fit_one_postgresql_and_who_finds_no_connection_is_told(db, monkeypatch):
    monkeypatch.setattr(db.engine.pool, "_timeout", 0.2)
    held = [db.engine.connect() for _ in range(CONNECTIONS)]
    with pytest.raises(PoolTimeout) as said, db.reading() as session:
        session.execute(COUNT)
    assert outage(said.value)
    held.pop().close()
    with db.reading() as session:
        assert session.scalar(COUNT) == 0
    for connection in held:
        connection.close()
    assert 9 * CONNECTIONS < 100


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_connections_that_the_server_dropped_are_replaced_before_anybody_notices(db, url):
    with db.reading() as session:
        assert session.scalar(COUNT) == 0
    other = Database(url)
    with other.transaction() as tx:
        tx.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                "datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    with db.transaction() as tx:
        tx.execute(INSERT)
    other.engine.dispose()


def test_of_two_transactions_that_insert_the_same_the_second_waits_and_learns_that_it_was_second(db):
    seen: list[bool] = []

    def second() -> None:
        with db.transaction() as tx:
            seen.append(insert_new(tx, inbox.inbox, consumer="c", event_id="e", received_at=0.0))

    thread = threading.Thread(target=second)
    with db.transaction() as tx:
        assert insert_new(tx, inbox.inbox, consumer="c", event_id="e", received_at=0.0)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive() and not seen, "it must not know yet"
    eventually(lambda: seen == [False], "it is told")
    thread.join(5)


def test_the_second_gets_its_turn_when_the_first_is_rolled_back(db):
    with pytest.raises(RuntimeError), db.transaction() as tx:
        assert insert_new(tx, inbox.inbox, consumer="c", event_id="e", received_at=0.0)
        raise RuntimeError
    with db.transaction() as tx:
        assert insert_new(tx, inbox.inbox, consumer="c", event_id="e", received_at=0.0)


def test_a_wrong_statement_is_no_outage(db):
    with pytest.raises((OperationalError, ProgrammingError)) as said, db.transaction() as tx:
        tx.execute(text("SELECT nothing FROM nowhere"))
    assert not outage(said.value)
    assert not outage(ValueError("of the domain"))
    with (
        pytest.raises(OperationalError) as away,
        Database("postgresql+psycopg2://x@127.0.0.1:1/x").reading() as session,
    ):
        session.execute(COUNT)
    assert outage(away.value)
