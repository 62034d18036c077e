"""Pieces on the shelf. Every change of their number is one conditional UPDATE, so two buyers never get the same piece
(delivery rule 7)."""

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from labs.services.chassis.database import Transaction
from labs.services.inventory.domain import MOST_PIECES, NotEnough, UnknownProduct, is_low
from labs.services.inventory.stores.tables import Adjustment, Stock

MOST_LISTED = 1000
LARGEST_NUMBER = 2**31 - 1
"""What an INTEGER of PostgreSQL holds."""


def add(tx: Transaction, sku: str, quantity: int, reason: str = "delivery", by: str = "") -> int:
    """Put pieces on the shelf, or take some away if `quantity` is negative; returns how many are available now. Raises
    UnknownProduct, NotEnough."""
    there = move(tx, sku, quantity, MOST_PIECES)
    if there is None:
        here = available(tx, sku)
        if here is None:
            raise UnknownProduct(sku)
        raise NotEnough(f"{sku}: {here} available; with {quantity:+} it would not be between 0 and {MOST_PIECES}")
    tx.execute(insert(Adjustment).values(sku=sku, quantity=quantity, reason=reason, adjusted_by=by))
    return there


def available(session: Session, sku: str) -> int | None:
    """Pieces that can be promised; None for a product that is not in the catalogue."""
    return session.scalar(select(Stock.available).where(Stock.sku == sku))


def everything(session: Session) -> dict[str, int]:
    """Available pieces by SKU, of the first MOST_LISTED products."""
    return {s.sku: s.available for s in session.scalars(select(Stock).order_by(Stock.sku).limit(MOST_LISTED))}


def move(tx: Transaction, sku: str, pieces: int, most: int = LARGEST_NUMBER) -> int | None:
    """Put pieces back on the shelf or, if negative, take them from it; returns how many are available then, or None if that
    would be fewer than 0 or more than `most`, and nothing moved. Tells stock_low at the first piece too few."""
    possible = update(Stock).where(Stock.sku == sku, Stock.available.between(-pieces, most - pieces))
    moved = possible.values(available=Stock.available + pieces)
    row = tx.execute(moved.returning(Stock.available, Stock.low_at, Stock.low)).one_or_none()
    if row is None:
        return None
    _watch(tx, sku, row.available, row.low_at, row.low)
    return int(row.available)


def mark(tx: Transaction, sku: str, low_at: int | None) -> None:
    """At how many pieces it is time to order more. For a product that is new here: there are none yet, which is no news."""
    marked = update(Stock).where(Stock.sku == sku).values(low_at=low_at)
    row = tx.execute(marked.returning(Stock.available, Stock.low)).one_or_none()
    if row is None:
        tx.execute(insert(Stock).values(sku=sku, low_at=low_at, low=is_low(0, low_at)))
    else:
        _watch(tx, sku, row.available, low_at, row.low)


def _watch(tx: Transaction, sku: str, there: int, low_at: int | None, said: bool) -> None:
    """Tell that there are few, once until there are more."""
    low = is_low(there, low_at)
    if low != said:
        tx.execute(update(Stock).where(Stock.sku == sku).values(low=low))
        if low:
            tx.tell("stock_low", {"sku": sku, "available": there, "low_at": low_at}, needed=False)
