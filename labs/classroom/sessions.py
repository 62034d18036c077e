"""What somebody sees and may do who opens a database of PostgreSQL with a login, as with psql."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from labs.classroom.slips import Slip
from labs.classroom.watching import until

PATIENCE = 15.0
"""Seconds that a statement waits for a lock before it gives up: longer than any lab means to wait."""
A_MOMENT = 3.0
"""Seconds, fewer than a service waits for a lock."""
NAME = "classroom"
"""By which the server knows our own sessions from those of services."""
NO_ROWS = -1
"""How a driver counts the rows of a statement such as GRANT (PEP 249)."""
FORBIDDEN = "42501"
"""PostgreSQL's code for what a login may not do (its manual, appendix A)."""
WAITING = """
SELECT split_part(ltrim(query), ' ', 1) AS verb FROM pg_stat_activity
WHERE usename = current_user AND application_name <> :ours AND wait_event_type = 'Lock'"""
_BEFORE_THE_REASON = re.compile(r"^.*?FATAL:\s*", re.DOTALL)


class Refused(Slip):
    """The database did not let this login in, or do that. The message is the database's own."""


class Session:
    """One login at one database. Each call has a new connection, so that what was granted or taken away a moment ago counts.
    Raises Refused for what the login may not do, and what SQLAlchemy raises for all else."""

    def __init__(self, url: str | URL) -> None:
        told = {"connect_timeout": 5, "application_name": NAME, "options": f"-c lock_timeout={int(PATIENCE * 1000)}"}
        self._engine = create_engine(url, poolclass=NullPool, connect_args=told)

    def rows(self, question: str, **parameters: Any) -> list[dict[str, Any]]:
        """What a question gives; `:name` stands for a parameter."""
        with self._transaction() as transaction:
            return [dict(row) for row in transaction.execute(text(question), parameters).mappings()]

    def run(self, *statements: str, **parameters: Any) -> int | None:
        """All of them in one transaction, or none; returns how many rows the last one changed, None if it is not about rows."""
        changed = NO_ROWS
        with self._transaction() as transaction:
            for statement in statements:
                changed = transaction.execute(text(statement), parameters).rowcount
        return None if changed == NO_ROWS else changed

    def refusal(self, statement: str) -> str:
        """The words with which the database does not do it; empty if it would. Nothing stays of it."""
        try:
            with self._engine.connect() as connection:  # which rolls back what nobody commits
                connection.execute(text(statement))
        except DBAPIError as error:
            return said(error)
        return ""

    @contextmanager
    def asking(self, question: str) -> Iterator[None]:
        """A question is asked, and until the end of the block its transaction is not ended: whoever asked is not done."""
        with self._transaction() as transaction:
            transaction.execute(text(question)).all()
            yield

    def waiting(self) -> list[str]:
        """The sessions of services with this login that wait for a lock now: the first word of what each waits to do."""
        return [row["verb"] for row in self.rows(WAITING, ours=NAME)]

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) == FORBIDDEN or said(error).startswith("permission denied"):
                raise Refused(said(error)) from None
            raise


def said(error: DBAPIError) -> str:
    """The database's own sentence, without where it is and what it was asked."""
    return _BEFORE_THE_REASON.sub("", str(error.orig)).strip().splitlines()[0]


def behind(
    reader: Session, question: str, owner: Session, change: str, meanwhile: Callable[[], Any], enough: int = 8
) -> list[str]:
    """`reader` asks a question and does not end its transaction before `meanwhile` is over, while `owner` makes a change. Who
    waits at the end, as `Session.waiting` says it: those who came meanwhile have a moment until they are `enough`. Nobody, if
    the change need not wait for the reader. Returns when all is over. Raises what the change raises."""
    trouble: list[Exception] = []

    def make_it() -> None:
        try:
            owner.run(change)
        except Exception as error:  # noqa: BLE001  it is raised below, where somebody sees it
            trouble.append(error)

    changing = threading.Thread(target=make_it, name="change")
    with reader.asking(question):
        changing.start()
        meanwhile()
        until(lambda: not changing.is_alive() or len(owner.waiting()) >= enough, A_MOMENT)
        waiting = owner.waiting() if changing.is_alive() else []
    changing.join()
    if trouble:
        raise trouble[0]
    return waiting
