"""The payment provider's book. Each charge key has one row, and that row decides what may still happen with the key, whoever
asks at once: money is taken once, never after it was voided, and no more goes back than was taken."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Row, Select, literal, select, update
from sqlalchemy.orm import Session

from labs.services.chassis.database import insert_new
from labs.services.outside.store import CHARGED, REFUNDED, VOIDED, Base, Charge, Refund

CHARGE, REFUND = "charge", "refund"
"""Kinds of entries."""
CHARGES = Base.metadata.tables["charges"]


class Voided(Exception):
    """This key was given back before the charge came; it can never be charged any more."""


class TooMuch(Exception):
    """More would go back than was taken; it says so."""


@dataclass(frozen=True)
class Back:
    """What became of a refund: REFUNDED of a charge that was taken at `charged_at`, or VOIDED. Seconds since the epoch."""

    id: str
    status: str
    at: float
    charged_at: float | None


def charge(tx: Session, key: str, order_id: str, amount: int, currency: str) -> Charge:
    """Take the money, once for each key. Raises Voided."""
    row = _first(tx, key, order_id=order_id, amount=amount, currency=currency, status=CHARGED)
    if row.status == VOIDED:
        raise Voided(key)
    return row


def refund(tx: Session, charge_key: str, amount: int) -> Back:
    """Give back this much; or make sure that a charge that has not come will never be taken. Raises TooMuch."""
    row = _first(tx, charge_key, order_id="", amount=0, currency="", status=VOIDED)
    if row.status == VOIDED:
        return Back(row.id, VOIDED, row.at, None)
    enough = update(Charge).where(Charge.key == charge_key, Charge.refunded + amount <= Charge.amount)
    if tx.scalar(enough.values(refunded=Charge.refunded + amount).returning(Charge.refunded)) is None:
        left = row.amount - row.refunded
        raise TooMuch(f"{amount} asked back, {left} of {row.amount} {row.currency} are left.")
    back = Refund(id=str(uuid4()), charge_key=charge_key, amount=amount, at=time.time())
    tx.add(back)
    return Back(back.id, REFUNDED, back.at, row.at)


def charges(session: Session, order_id: str | None, day: date | None, status: str = CHARGED) -> list[Row[Any]]:
    """What was taken, or (VOIDED) what never will be; of one order or all, of one day of UTC or all; oldest first."""
    query = select(Charge.__table__).where(Charge.status == status, *_of(order_id), *_in(day, Charge.at))
    return list(session.execute(query.order_by(Charge.position)))


def refunds(session: Session, order_id: str | None, day: date | None) -> list[Row[Any]]:
    """What went back, with order and currency of the charge."""
    back = (Refund.id, Refund.charge_key, Charge.order_id, Refund.amount, Charge.currency, Refund.at)
    query = select(*back).join(Charge, Charge.key == Refund.charge_key).where(*_of(order_id), *_in(day, Refund.at))
    return list(session.execute(query.order_by(Refund.position)))


def entries(session: Session, day: date | None, after: tuple[str, int] | None, limit: int) -> list[Row[Any]]:
    """A part of the book: first what was taken, then what went back, each oldest first. `after` is (kind, position) of the
    entry before it."""
    kind, position = after or (CHARGE, 0)
    found: list[Row[Any]] = []
    if kind == CHARGE:
        query = _entries(CHARGE, Charge, day, position).where(Charge.status == CHARGED)
        found, position = list(session.execute(query.limit(limit))), 0
    more = _entries(REFUND, Refund, day, position).join(Charge, Charge.key == Refund.charge_key)
    return [*found, *session.execute(more.limit(limit - len(found)))]


def _entries(kind: str, table: type[Charge] | type[Refund], day: date | None, position: int) -> Select[Any]:
    what: tuple[Any, ...] = (literal(kind).label("kind"), table.position, table.id, table.amount, table.at)
    query = select(*what, Charge.order_id, Charge.currency).where(table.position > position, *_in(day, table.at))
    return query.order_by(table.position)


def _first(tx: Session, key: str, **values: Any) -> Charge:
    """The row of this key, made of `values` if there was none. Whoever is second waits for the first and sees its row."""
    own = {"id": str(uuid4()), "at": time.time(), "refunded": 0}
    insert_new(tx, CHARGES, key=key, **own, **values)
    return tx.scalars(select(Charge).where(Charge.key == key)).one()


def _of(order_id: str | None) -> list[ColumnElement[bool]]:
    return [] if order_id is None else [Charge.order_id == order_id]


def _in(day: date | None, at: Any) -> list[ColumnElement[bool]]:
    if day is None:
        return []
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [at >= begin.timestamp(), at < (begin + timedelta(days=1)).timestamp()]
