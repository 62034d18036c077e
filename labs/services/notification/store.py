"""The tables of notification-service, and nobody else's."""

from sqlalchemy import String, Text, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from labs.services.notification.domain import Message

PENDING, SENT, FAILED = "pending", "sent", "failed"


class Base(DeclarativeBase):
    """The tables of this service."""


class Notification(Base):
    """One mail to one customer. `id` is that of the event that caused it, and becomes the mail's Message-ID."""

    __tablename__ = "notifications"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    order_id: Mapped[str] = mapped_column(String(36), index=True)
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), default=PENDING, index=True)


def record(session: Session, event_id: str, order_id: str, recipient: str, message: Message) -> None:
    """To be sent as soon as this is committed."""
    mail = {"recipient": recipient, "subject": message.subject, "body": message.body}
    session.add(Notification(id=event_id, order_id=order_id, **mail))


def pending(session: Session, limit: int = 50) -> list[Notification]:
    """Mails that the SMTP server has not taken yet."""
    return list(session.scalars(select(Notification).where(Notification.status == PENDING).limit(limit)))


def mark(session: Session, notification: Notification, status: str) -> None:
    """The SMTP server took it (SENT), or never will (FAILED)."""
    session.merge(notification).status = status


def history(session: Session, order_id: str | None) -> list[Notification]:
    """What was told about one order, or (None) about any."""
    query = select(Notification)
    return list(session.scalars(query if order_id is None else query.where(Notification.order_id == order_id)))
