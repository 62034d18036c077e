"""A service's own database: one way to write (state and outbox in one transaction), one way to read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from labs.services.chassis import outbox

LOCK_TIMEOUT = 5.0
"""Seconds that a writer waits for another one before it gives up."""


class Transaction(Session):
    """A SQLAlchemy session that can also tell the world: what it tells is committed with the state or not at all."""

    def tell(self, event_type: str, data: dict[str, Any]) -> str:
        """Put an event into the outbox of this transaction; the relay publishes it after the commit. Returns its id."""
        return outbox.add(self, event_type, data)


class Locked(SQLAlchemyError):
    """Another transaction did not end in time."""


class Database:
    """One service's database. `url` is an SQLAlchemy URL; SQLite gets WAL, foreign keys and honest write locks."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT} if url.startswith("sqlite") else {})
        self._writing: threading.Lock | None = None
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine)
            self._writing = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commit at the end, roll back on any error. On SQLite the first statement takes the write lock (BEGIN
        IMMEDIATE), so do no I/O inside: everybody else waits. Raises Locked."""
        bind = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with self._turn(), Transaction(bind, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent look at the data that blocks no writer."""
        with Session(self.engine) as session:
            yield session

    def ping(self) -> None:
        """Raise what the driver raises if the database does not answer, or its migrations have not run."""
        with self.engine.connect() as connection:
            connection.execute(select(outbox.outbox.c.position).limit(1))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """SQLite's own wait for a lock would stop every green thread of the process, the lock's owner included."""
        if self._writing is None:
            yield
            return
        if not self._writing.acquire(timeout=LOCK_TIMEOUT):
            raise Locked(
                f"another transaction of this process has been open for {LOCK_TIMEOUT:g} s: it waits for something, or this "
                "one was opened inside it"
            )
        try:
            yield
        finally:
            self._writing.release()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own implicit BEGIN comes too late to lock
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
