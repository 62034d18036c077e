"""The tables of inventory-service, and nobody else's."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, CheckConstraint, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from labs.services.inventory.domain import Status


def now() -> str:
    """This moment as RFC 3339 says it, in UTC."""
    return datetime.now(UTC).isoformat()


def new_id() -> str:
    """An id that nobody has."""
    return str(uuid4())


class Base(DeclarativeBase):
    """The tables of this service."""


class Product(Base):
    """What the shop sells. `version` counts the changes of its price."""

    __tablename__ = "products"
    sku: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000))
    searched: Mapped[str] = mapped_column(
        Text
    )  # all words of it, folded: databases differ about large and small letters
    amount: Mapped[int] = mapped_column(Integer)  # minor units
    currency: Mapped[str] = mapped_column(String(3))
    version: Mapped[int] = mapped_column(Integer)


class Price(Base):
    """What a product has cost, since when, and who said so."""

    __tablename__ = "prices"
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    amount: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(String(3))
    since: Mapped[str] = mapped_column(String(40), default=now)
    changed_by: Mapped[str] = mapped_column(String(100))


class Stock(Base):
    """How many pieces of a product can still be promised. `low`: it is said already that there are few."""

    __tablename__ = "stock"
    __table_args__ = (CheckConstraint("available >= 0"),)
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"), primary_key=True)
    available: Mapped[int] = mapped_column(Integer, default=0)
    low_at: Mapped[int | None] = mapped_column(Integer)
    low: Mapped[bool]


class Adjustment(Base):
    """Pieces that came or went without an order, and why. What is available, and what orders hold or took, is their sum."""

    __tablename__ = "adjustments"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    sku: Mapped[str] = mapped_column(ForeignKey("stock.sku"), index=True)
    quantity: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(String(20))
    adjusted_by: Mapped[str] = mapped_column(String(100))
    at: Mapped[str] = mapped_column(String(40), default=now)


class Reservation(Base):
    """The answer to one order, kept for whoever asks again."""

    __tablename__ = "reservations"
    __table_args__ = (Index("ix_reservations_due", "status", "reserved_at"),)
    order_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    status: Mapped[str] = mapped_column(String(20), default=Status.RESERVED)
    reason: Mapped[str] = mapped_column(String(500), default="")  # of its release
    shortages: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)  # of its rejection
    reserved_at: Mapped[float] = mapped_column(Float)  # seconds since the epoch


class ReservedLine(Base):
    """Pieces taken out of the stock for one order; of a released reservation, what it held."""

    __tablename__ = "reserved_lines"
    order_id: Mapped[str] = mapped_column(ForeignKey("reservations.order_id"), primary_key=True)
    sku: Mapped[str] = mapped_column(ForeignKey("stock.sku"), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)


class PriceImport(Base):
    """Many new prices at once, and how far they are in."""

    __tablename__ = "price_imports"
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    total: Mapped[int] = mapped_column(Integer)
    done: Mapped[int] = mapped_column(Integer, default=0)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    asked_by: Mapped[str] = mapped_column(String(100))
    asked_at: Mapped[str] = mapped_column(String(40), default=now)


class FailedLine(Base):
    """A line of a price import that changed nothing; `line` counts from 1."""

    __tablename__ = "price_import_failures"
    import_id: Mapped[str] = mapped_column(ForeignKey("price_imports.id"), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    sku: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(200))


class StockReport(Base):
    """A list of products that are low, made at a moment; `made_at` is empty until it is."""

    __tablename__ = "stock_reports"
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    asked_at: Mapped[str] = mapped_column(String(40), default=now)
    made_at: Mapped[str | None] = mapped_column(String(40))


class ReportedLine(Base):
    """A product that was low when a report was made."""

    __tablename__ = "stock_report_lines"
    report_id: Mapped[str] = mapped_column(ForeignKey("stock_reports.id"), primary_key=True)
    sku: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    available: Mapped[int] = mapped_column(Integer)
    low_at: Mapped[int] = mapped_column(Integer)
