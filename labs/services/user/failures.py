"""Who failed to log in too often, counted in the database, so that all processes count together."""

import hashlib
import time
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, delete, select
from sqlalchemy.orm import Session

from labs.services.chassis.database import insert_new
from labs.services.user.domain import WINDOW_SECONDS, place, recent_of, wait
from labs.services.user.store import Failures


@dataclass(frozen=True)
class Limits:
    """Failed logins within WINDOW_SECONDS after which the next attempt must wait."""

    per_email: int = 5
    per_address: int = 50


@dataclass(frozen=True)
class Attempt:
    """Somebody at a network address who wants to log in as the owner of a normalised e-mail address."""

    email: str
    address: str
    limits: Limits

    def wait(self, session: Session) -> float:
        """Seconds until it may be made, 0 if now."""
        known = select(Failures).where(Failures.subject.in_(self._subjects()))
        return self._wait({row.subject: row.moments for row in session.scalars(known)})

    def fail(self, session: Session) -> float:
        """It was made, and failed. Seconds that it would have had to wait, 0 if it was in time: of attempts at once only as
        many are in time as if they had come one after the other."""
        rows = [_locked(session, subject) for subject in sorted(self._subjects())]
        now = time.time()
        if too_early := self._wait({row.subject: row.moments for row in rows}):
            return too_early
        for row in rows:
            row.moments, row.last = [*recent_of(row.moments, now), now], now
        return 0.0

    def succeed(self, session: Session) -> float:
        """It was made, and the password is right: the failures of this e-mail address are forgotten. Those of the network
        address are not, or whoever has one account could try the others without end. Seconds as in `fail`."""
        if too_early := self.wait(session):
            return too_early
        session.execute(delete(Failures).where(Failures.subject == _hashed("email", self.email)))
        return 0.0

    def _subjects(self) -> dict[str, int]:
        """What is counted, with its limit."""
        return {
            _hashed("email", self.email): self.limits.per_email,
            _hashed("address", place(self.address)): self.limits.per_address,
        }

    def _wait(self, moments: dict[str, list[float]]) -> float:
        now = time.time()
        return max(wait(moments.get(subject, []), limit, now) for subject, limit in self._subjects().items())


def forget(session: Session) -> None:
    """Failures that no longer count."""
    session.execute(delete(Failures).where(Failures.last < time.time() - WINDOW_SECONDS))


def _locked(session: Session, subject: str) -> Failures:
    """The row of a subject, new if need be, which nobody else changes until the end of this transaction."""
    known = select(Failures).where(Failures.subject == subject).with_for_update()
    while (row := session.scalar(known)) is None:
        insert_new(session, cast(Table, Failures.__table__), subject=subject, moments=[], last=time.time())
    return row


def _hashed(kind: str, subject: str) -> str:
    """A mistyped e-mail address may be a password, and nobody needs to read whence people come."""
    return hashlib.sha256(f"{kind}:{subject}".encode()).hexdigest()
