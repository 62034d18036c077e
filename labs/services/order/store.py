"""The tables of order-service, and nobody else's."""

from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from labs.services.order.domain import Status, may_become


class Base(DeclarativeBase):
    """The tables of this service."""


class Order(Base):
    """What a customer wants, and what became of it."""

    __tablename__ = "orders"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(36), unique=True, default=lambda: str(uuid4()))
    customer_email: Mapped[str] = mapped_column(String(254))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(20), default=Status.PLACED)
    reason: Mapped[str] = mapped_column(String(500), default="")


def place(session: Session, customer_email: str, lines: list[dict[str, Any]]) -> Order:
    """A new order; its id is set when this returns."""
    order = Order(customer_email=customer_email, lines=lines)
    session.add(order)
    session.flush()
    return order


def get(session: Session, order_id: str) -> Order | None:
    """None if there is no such order."""
    return session.scalar(select(Order).where(Order.id == order_id))


def latest(session: Session, limit: int) -> list[Order]:
    """The newest orders, newest first."""
    return list(session.scalars(select(Order).order_by(Order.position.desc()).limit(limit)))


def settle(session: Session, order_id: str, status: Status, reason: str = "") -> Order | None:
    """Confirm or reject. Returns the order if that changed it, None if there is nothing to change any more."""
    order = get(session, order_id)
    if order is None or not may_become(Status(order.status), status):
        return None
    order.status, order.reason = status, reason
    return order
