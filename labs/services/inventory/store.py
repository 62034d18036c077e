"""The tables of inventory-service, and nobody else's."""

from sqlalchemy import CheckConstraint, Integer, String, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from labs.services.inventory.domain import Line, Shortage, merged


class Base(DeclarativeBase):
    """The tables of this service."""


class Stock(Base):
    """How many pieces of a product can still be promised."""

    __tablename__ = "stock"
    __table_args__ = (CheckConstraint("available >= 0"),)
    sku: Mapped[str] = mapped_column(String(40), primary_key=True)
    available: Mapped[int] = mapped_column(Integer)


class Reservation(Base):
    """Pieces taken out of the stock for one order."""

    __tablename__ = "reservations"
    order_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sku: Mapped[str] = mapped_column(String(40), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)


def add(session: Session, sku: str, quantity: int) -> int:
    """Put pieces on the shelf; returns how many are available now."""
    more = update(Stock).where(Stock.sku == sku).values(available=Stock.available + quantity)
    there = session.scalar(more.returning(Stock.available))
    if there is None:
        session.execute(insert(Stock).values(sku=sku, available=quantity))
    return there or quantity


def available(session: Session, sku: str) -> int | None:
    """Pieces that can be promised; None for a product that nobody ever stocked."""
    return session.scalar(select(Stock.available).where(Stock.sku == sku))


def everything(session: Session) -> dict[str, int]:
    """Available pieces by SKU."""
    return {stock.sku: stock.available for stock in session.scalars(select(Stock).order_by(Stock.sku))}


def reserve(session: Session, order_id: str, lines: list[Line]) -> list[Shortage]:
    """All lines or none. A conditional UPDATE decides, so two buyers never get the same piece (delivery rule 7). Returns
    the shortages; empty means reserved."""
    with session.begin_nested() as attempt:
        shortages = []
        for line in merged(lines):
            enough = update(Stock).where(Stock.sku == line.sku, Stock.available >= line.quantity)
            less = enough.values(available=Stock.available - line.quantity)
            if session.scalar(less.returning(Stock.available)) is None:
                shortages.append(Shortage(line.sku, line.quantity, available(session, line.sku) or 0))
            else:
                session.add(Reservation(order_id=order_id, sku=line.sku, quantity=line.quantity))
        if shortages:
            attempt.rollback()
    return shortages
