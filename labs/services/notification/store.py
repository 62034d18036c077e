"""The tables of notification-service, and nobody else's: what customers are told, and its own copy of how to reach them."""

import time
from typing import Any

from sqlalchemy import JSON, Float, Index, String, Text, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from labs.services.chassis.database import Transaction

PENDING, SENT, FAILED = "pending", "sent", "failed"
LEASE = 45.0
"""Seconds for one attempt; longer than the slowest one takes. If its worker dies, another one tries after that."""


class Base(DeclarativeBase):
    """The tables of this service; times are seconds since the epoch."""


class Contact(Base):
    """The read model of user-service's profiles: the newest version that was told."""

    __tablename__ = "contacts"
    user_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int]
    name: Mapped[str] = mapped_column(String(300))
    email: Mapped[str] = mapped_column(String(254))
    phone: Mapped[str] = mapped_column(String(40))
    device_token: Mapped[str] = mapped_column(String(300))
    channels: Mapped[list[str]] = mapped_column(JSON)


class News(Base):
    """An event of which nobody can be told yet: events of two services overtake each other, so its customer may be unknown."""

    __tablename__ = "news"
    event_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(64), index=True)
    type: Mapped[str] = mapped_column(String(100))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    correlation_id: Mapped[str] = mapped_column(String(64))
    traceparent: Mapped[str] = mapped_column(String(55))
    created_at: Mapped[float] = mapped_column(Float, index=True)


class Notification(Base):
    """One message to one customer by one channel. `id` is made of the event's and the channel: it is the mail's Message-ID
    and the gateways' Idempotency-Key, so whoever gets it twice can see that."""

    __tablename__ = "notifications"
    __table_args__ = (Index("due", "status", "channel", "due_at"),)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(60), unique=True)
    order_id: Mapped[str] = mapped_column(String(64), index=True)
    customer_id: Mapped[str] = mapped_column(String(64), index=True)
    channel: Mapped[str] = mapped_column(String(10))
    recipient: Mapped[str] = mapped_column(String(300))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(10), default=PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[float] = mapped_column(Float)
    created_at: Mapped[float] = mapped_column(Float)
    correlation_id: Mapped[str] = mapped_column(String(64))
    traceparent: Mapped[str] = mapped_column(String(55))
    error: Mapped[str] = mapped_column(String(300), default="")


def due(session: Session, channel: str, limit: int) -> list[str]:
    """Ids of what this channel has to send now, those that wait longest first."""
    now = select(Notification.id).where(
        Notification.status == PENDING, Notification.channel == channel, Notification.due_at <= time.time()
    )
    return list(session.scalars(now.order_by(Notification.due_at).limit(limit)))


def claim(tx: Transaction, notification_id: str) -> Notification | None:
    """Begin an attempt: nobody else does for LEASE seconds. None if somebody else has begun, or it is settled."""
    now = time.time()
    mine = (
        update(Notification)
        .where(Notification.id == notification_id, Notification.status == PENDING, Notification.due_at <= now)
        .values(due_at=now + LEASE, attempts=Notification.attempts + 1)
    )
    return tx.scalar(mine.returning(Notification))


def sent(tx: Transaction, notification: Notification) -> None:
    """The other side has it."""
    _settle(tx, notification, SENT, "", "notification_sent")


def fail(tx: Transaction, notification: Notification, reason: str) -> None:
    """It will not be tried again."""
    _settle(tx, notification, FAILED, reason, "notification_failed", reason=reason)


def postpone(tx: Transaction, notification: Notification, seconds: float, reason: str) -> None:
    """The attempt failed; there will be another."""
    own = update(Notification).where(Notification.id == notification.id, Notification.status == PENDING)
    tx.execute(own.values(due_at=time.time() + seconds, error=reason[:300]))


def history(
    session: Session, customer_id: str | None, order_id: str | None, before: int | None, limit: int
) -> list[Notification]:
    """Newest first: what one customer, or (None) any, was told of one order, or (None) of any; those older than `before`."""
    query = select(Notification)
    wanted = ((Notification.customer_id, customer_id), (Notification.order_id, order_id))
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(Notification.position < before)
    return list(session.scalars(query.order_by(Notification.position.desc()).limit(limit)))


def _settle(tx: Transaction, notification: Notification, status: str, error: str, told: str, **more: str) -> None:
    """Once: whoever comes later, when the lease was not long enough, changes and tells nothing."""
    own = update(Notification).where(Notification.id == notification.id, Notification.status == PENDING)
    if tx.scalar(own.values(status=status, error=error[:300]).returning(Notification.id)):
        said = {"order_id": notification.order_id, "channel": notification.channel, "notification_id": notification.id}
        tx.tell(told, said | more, needed=False)
