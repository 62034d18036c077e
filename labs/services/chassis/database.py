"""A service's own database: one way to write (state and outbox in one transaction), one way to read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from labs.services.chassis import outbox

LOCK_TIMEOUT = 5.0
"""Seconds that a writer waits for one of another process before it gives up."""


class Transaction(Session):
    """A SQLAlchemy session that can also tell the world: what it tells is committed with the state or not at all."""

    def tell(self, event_type: str, data: dict[str, Any]) -> str:
        """Put an event into the outbox of this transaction; the relay publishes it after the commit. Returns its id."""
        return outbox.add(self, event_type, data)


class Nested(SQLAlchemyError):
    """A transaction was opened inside another one."""


class Database:
    """One service's database. `url` is an SQLAlchemy URL; SQLite gets WAL, foreign keys and honest write locks."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT} if url.startswith("sqlite") else {})
        self._one_writer = self.engine.dialect.name == "sqlite"
        self._turn, self._writer = threading.Lock(), 0
        if self._one_writer:
            _prepare_sqlite(self.engine)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commit at the end, roll back on any error. On SQLite the first statement takes the write lock (BEGIN
        IMMEDIATE), so do no I/O inside: everybody else waits. Raises Nested."""
        bind = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with self._writing(), Transaction(bind, expire_on_commit=False) as session, session.begin():
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
    def _writing(self) -> Iterator[None]:
        """SQLite's own wait for a lock would stop every green thread of the process, the lock's owner included; so those of
        one process take turns here."""
        me = threading.get_ident()
        if self._writer == me:
            raise Nested("this thread has a transaction open already, and SQLite has one writer: use that one")
        with self._turn if self._one_writer else nullcontext():
            self._writer = me if self._one_writer else 0
            try:
                yield
            finally:
                self._writer = 0


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own implicit BEGIN comes too late to lock
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
