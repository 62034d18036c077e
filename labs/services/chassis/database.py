"""A service's own database: one way to write (state and outbox in one transaction), one way to read.

SQLite has one writer at a time, PostgreSQL has several at once (READ COMMITTED): what must not be decided twice is decided by
a conditional UPDATE, a locked row or a unique key, on both."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

from sqlalchemy import Engine, Table, create_engine, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from labs.services.chassis import crash, outbox, queries

LOCK_TIMEOUT = 5.0
"""Seconds that a writer waits for another one, for a connection or for the server, before it gives up."""
CONNECTIONS = 10
"""Of one process to PostgreSQL: gunicorn's 8 threads or nameko's 10 workers. Nine such processes fit its usual limit of 100."""
_INSERTS: dict[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class Transaction(Session):
    """A SQLAlchemy session that can also tell the world: what it tells is committed with the state or not at all."""

    def tell(self, event_type: str, data: dict[str, Any], needed: bool = True) -> str:
        """Put an event into the outbox of this transaction; the relay publishes it after the commit. Returns its id. An event
        that is `needed` waits there until somebody listens; any other is over when nobody does."""
        return outbox.add(self, event_type, data, needed)


class Nested(SQLAlchemyError):
    """A transaction was opened inside another one."""


class Database:
    """One service's database. `url` is an SQLAlchemy URL; SQLite gets WAL, foreign keys and honest write locks, PostgreSQL a
    pool of connections that survives its restarts. What is committed survives the death of any process; a power cut may take
    SQLite's last commits with it (synchronous=NORMAL), and none of PostgreSQL's."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(
            url, hide_parameters=True, **_options(url)
        )  # else an error tells the log what it was about
        self.one_writer = self.engine.dialect.name == "sqlite"
        """Whether writers take turns; else they lock rows."""
        self._turn, self._mine = threading.Lock(), threading.local()
        queries.watch(self.engine)
        if self.one_writer:
            _prepare_sqlite(self.engine)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commit at the end, roll back on any error. On SQLite the first statement takes the write lock (BEGIN
        IMMEDIATE), so do no I/O inside: everybody else waits. Raises Nested."""
        bind = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with self._writing(), queries.asking(self.engine.dialect.name):
            with self.begin(bind, expire_on_commit=False) as session, session.begin():
                yield session
                session.flush()
                crash.point("before_commit")
            crash.point("after_commit")

    def begin(self, *args: Any, **kwargs: Any) -> Transaction:
        """What `transaction` gives, made as a Session is."""
        return Transaction(*args, **kwargs)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent look at the data: all of it sees one moment, and blocks no writer."""
        bind = self.engine if self.one_writer else self.engine.execution_options(isolation_level="REPEATABLE READ")
        with queries.asking(self.engine.dialect.name, looks=True), Session(bind) as session:
            yield session

    def ping(self) -> None:
        """Raise what the driver raises if the database does not answer, or its migrations have not run."""
        with self.engine.connect() as connection:
            connection.execute(select(outbox.outbox.c.position).limit(1))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """SQLite's own wait for a lock would stop every green thread of the process, the lock's owner included; so those of
        one process take turns here."""
        if getattr(self._mine, "open", False):
            raise Nested("this thread has a transaction open already: use that one")
        with self._turn if self.one_writer else nullcontext():
            self._mine.open = True
            try:
                yield
            finally:
                self._mine.open = False


def outage(error: BaseException | None) -> bool:
    """Whether the database itself failed (away, locked, full), and not what it was asked: the same may succeed later."""
    if isinstance(error, OperationalError):
        return getattr(error.orig, "sqlite_errorname", "") != "SQLITE_ERROR"  # that one is a wrong statement
    return isinstance(error, InterfaceError | PoolTimeout)


def insert_new(session: Session, table: Table, **values: Any) -> bool:
    """Insert a row unless its key is there already; False if it is. Where another transaction is about to insert the same,
    PostgreSQL waits for its end."""
    return session.execute(_new(session.get_bind().dialect.name, table), values).first() is not None


@cache
def _new(dialect: str, table: Table) -> Any:
    """Made once for a table: to make a statement costs three times as much as to run it."""
    return _INSERTS[dialect](table).on_conflict_do_nothing().returning(*table.primary_key)


def _options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": LOCK_TIMEOUT}}
    limits = f"-c lock_timeout={int(LOCK_TIMEOUT * 1000)} -c idle_in_transaction_session_timeout=60000"
    return {
        "connect_args": {"connect_timeout": int(LOCK_TIMEOUT), "options": limits},
        "pool_size": CONNECTIONS // 2,
        "max_overflow": CONNECTIONS - CONNECTIONS // 2,
        "pool_timeout": LOCK_TIMEOUT,
        "pool_pre_ping": True,  # a connection that the server has dropped is replaced before anybody notices
    }


def _write_ahead(connection: sqlite3.Connection) -> None:
    """WAL, which a file keeps. SQLite itself does not wait when somebody else is about to write into a file that has not got it
    yet: two processes that meet at a new one, say."""
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own implicit BEGIN comes too late to lock
        _write_ahead(connection)
        for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
