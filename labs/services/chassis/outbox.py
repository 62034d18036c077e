"""The outbox: events committed together with the state they tell of, waiting for the relay. Delivery rule 1."""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from labs.services.chassis import logs, traces

outbox = Table(
    "outbox",
    MetaData(),
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("event_id", String(36), nullable=False, unique=True),
    Column("type", String(100), nullable=False),
    Column("data", JSON, nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("traceparent", String(55), nullable=False, default=""),  # the span in which it happened
    Column("time", String(40), nullable=False),
    Column("needed", Boolean, nullable=False, default=True),  # it waits until somebody listens
    Column("sent_at", Float, index=True),  # seconds since the epoch; empty until the broker has confirmed
    Column("attempts", Integer, nullable=False, default=0),
    Column("due_at", Float, nullable=False, default=0.0),  # not before this moment, after a failure
    Column("error", String(300)),  # what the last attempt said
)

_INSERT = insert(outbox).inline()  # made once: to make a statement costs three times as much as to run it

LONGEST_WAIT = 5.0
"""Seconds between two attempts at most: whoever subscribes late gets what waits within this time."""


def add(session: Session, event_type: str, data: dict[str, Any], needed: bool = True) -> str:
    """Write an event into the caller's transaction; returns its id. `needed`: it stays until somebody listens to it."""
    event_id = str(uuid4())
    row = {"event_id": event_id, "type": event_type, "data": data, "needed": needed}
    story = {"correlation_id": logs.correlation_id(), "traceparent": traces.traceparent()}
    session.execute(_INSERT, row | story | {"time": datetime.now(UTC).isoformat()})
    return event_id


def due(session: Session, limit: int = 100) -> list[Row[Any]]:
    """The events to publish now, oldest first."""
    return list(session.execute(_due(limit)))


def claim_due(session: Session, limit: int = 100) -> list[Row[Any]]:
    """The same, without those that another relay has in hand: each is ours until this transaction ends. SQLite has no such
    locks."""
    return list(session.execute(_due(limit).with_for_update(skip_locked=True)))


def mark_sent(session: Session, positions: list[int]) -> None:
    """These are with the broker: it has confirmed them."""
    session.execute(update(outbox).where(outbox.c.position.in_(positions)).values(sent_at=time.time(), error=None))


def mark_failed(session: Session, position: int, attempts: int, error: str) -> None:
    """This one stays; its next attempt waits longer (0.1 s, 0.2 s, 0.4 s … LONGEST_WAIT)."""
    wait = min(LONGEST_WAIT, 0.1 * 2 ** min(attempts, 10))
    change = {"attempts": attempts + 1, "due_at": time.time() + wait, "error": error[:300]}
    session.execute(update(outbox).where(outbox.c.position == position).values(**change))


def backlog(session: Session) -> tuple[int, float]:
    """How many events are committed and not yet confirmed, and the age of the oldest in seconds."""
    waiting = select(func.count(), func.min(outbox.c.time)).where(outbox.c.sent_at.is_(None))
    count, oldest = session.execute(waiting).one()
    return count, max(0.0, time.time() - datetime.fromisoformat(oldest).timestamp()) if oldest else 0.0


def _due(limit: int) -> Select[Any]:
    waiting = select(outbox).where(outbox.c.sent_at.is_(None), outbox.c.due_at <= time.time())
    return waiting.order_by(outbox.c.position).limit(limit)
