"""The tables of order-service, and nobody else's. Times are seconds since the epoch, money is in minor units."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, Index, Integer, String, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of this service."""


class Order(Base):
    """What a customer wants, what became of it, and how far its saga is (progress.py says what these columns mean)."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("ix_orders_customer", "customer_id", "position"),
        Index("ix_orders_status", "status", "position"),
        Index("ix_orders_due", "step", "due_at"),
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    customer_id: Mapped[str] = mapped_column(String(36))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # {sku, quantity, amount, currency}
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    card: Mapped[str] = mapped_column(String(65))
    status: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(500), default="")
    tracking_code: Mapped[str] = mapped_column(String(40), default="")
    missing: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)  # {sku, quantity}
    created_at: Mapped[float] = mapped_column(Float)
    correlation_id: Mapped[str] = mapped_column(String(64))
    traceparent: Mapped[str] = mapped_column(String(55))
    step: Mapped[str] = mapped_column(String(20))
    back: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(Integer)
    doubt: Mapped[bool]
    since: Mapped[float] = mapped_column(Float)
    due_at: Mapped[float | None] = mapped_column(Float)
    error: Mapped[str] = mapped_column(String(500), default="")
    ends_as: Mapped[str] = mapped_column(String(20), default="")


class Payment(Base):
    """Our own book: what was charged and what was refunded. The key is ours, the day (of UTC) is the provider's if it told."""

    __tablename__ = "payments"
    key: Mapped[str] = mapped_column(String(50), primary_key=True)
    order_id: Mapped[str] = mapped_column(String(36), index=True)
    kind: Mapped[str] = mapped_column(String(10))  # charge, refund
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    day: Mapped[str] = mapped_column(String(10), index=True)


class Shipment(Base):
    """What the carrier took for an order, and what it did not find. Lines are {sku, quantity}."""

    __tablename__ = "shipments"
    order_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    tracking_code: Mapped[str] = mapped_column(String(40))
    shipped: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    missing: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    shipped_at: Mapped[float] = mapped_column(Float)


class KnownPrice(Base):
    """The read model of inventory-service's prices: the newest version that has come here."""

    __tablename__ = "known_prices"
    sku: Mapped[str] = mapped_column(String(40), primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    version: Mapped[int] = mapped_column(Integer)


class ProviderEntry(Base):
    """An entry of the provider's book that has come here, until its day is compared."""

    __tablename__ = "provider_entries"
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    order_id: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int] = mapped_column(BigInteger)


class Settlement(Base):
    """One day's comparison of our own book with the provider's, and how far that has come here: the pages up to `after`, or
    all. `differences` are the first of the `different` ones."""

    __tablename__ = "settlements"
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    status: Mapped[str] = mapped_column(String(10))  # waiting, done
    due_at: Mapped[float | None] = mapped_column(Float, index=True)
    compared: Mapped[int] = mapped_column(Integer, default=0)
    differences: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    asked_at: Mapped[float] = mapped_column(Float)
    done_at: Mapped[float | None] = mapped_column(Float)
    after: Mapped[str | None] = mapped_column(String(400))
    complete: Mapped[bool] = mapped_column(server_default=false())
    different: Mapped[int] = mapped_column(Integer, server_default="0")
