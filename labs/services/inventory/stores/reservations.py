"""Pieces that orders hold. Every function may be called again, late, or in another order than the events were told: what has
happened to a reservation is written down in its own row, and that row is locked first."""

import time
from dataclasses import asdict
from typing import cast

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.orm import Session

from labs.services.chassis.database import Transaction, insert_new
from labs.services.inventory.domain import KEEPS, Line, NotEnough, Shortage, Status, merged, without
from labs.services.inventory.stores import stock
from labs.services.inventory.stores.tables import Reservation, ReservedLine

RESERVATIONS = cast(Table, Reservation.__table__)


def reserve(tx: Transaction, order_id: str, lines: list[Line]) -> list[Shortage]:
    """All lines or none; returns the shortages, empty means reserved. Asked again for the same order it gives the same answer:
    lines that are reserved already are not reserved twice, and an order that was rejected or released gets nothing."""
    reservation, is_new = _open(tx, order_id)
    if reservation.status == Status.REJECTED:
        return _shortages(reservation)
    if reservation.status == Status.RELEASED:
        why = f"reservation {reservation.status}: {reservation.reason}"
        return [Shortage(line.sku, line.quantity, 0, why) for line in merged(lines)]
    if reservation.status == Status.TAKEN:
        return []
    held = {line.sku for line in _lines(tx, order_id)}
    wanted = [line for line in merged(lines) if line.sku not in held]
    shortages = _take(tx, wanted)
    if not shortages:
        _hold(tx, order_id, wanted)
    elif is_new:
        reservation.status, reservation.shortages = Status.REJECTED, [asdict(shortage) for shortage in shortages]
    return shortages


def firm(tx: Transaction, order_id: str) -> list[Shortage]:
    """The order is paid for: its pieces stay as long as it takes. Returns why that cannot be, if nothing was reserved."""
    reservation = _locked(tx, order_id)
    if reservation is None or reservation.status == Status.REJECTED:
        return _shortages(reservation)
    if reservation.status in (Status.RESERVED, Status.OVERDUE):
        reservation.status = Status.FIRM
    return []


def release(tx: Transaction, order_id: str, reason: str) -> bool:
    """The order comes to nothing: its pieces are for sale again. True, however often it is asked, unless there was nothing to
    release: the order was rejected, or has left. An order that nobody has heard of yet is released in advance: if it comes
    later it gets nothing."""
    reservation, _is_new = _open(tx, order_id)
    if reservation.status in KEEPS:
        _put_back(tx, _lines(tx, order_id))
        reservation.status, reservation.reason = Status.RELEASED, reason[:500]
    return reservation.status == Status.RELEASED


def waiting(session: Session, before: float, limit: int = 100) -> list[str]:
    """Orders that are not paid for and whose pieces were reserved before this moment (seconds since the epoch)."""
    due = select(Reservation.order_id).where(Reservation.status == Status.RESERVED, Reservation.reserved_at <= before)
    return list(session.scalars(due.order_by(Reservation.reserved_at).limit(limit)))


def expire(tx: Transaction, order_id: str, before: float) -> bool:
    """Such an order has waited too long, unless it was paid for, released or fulfilled meanwhile; True if so, once. Its pieces
    stay where they are: only whoever knows the order can say that no parcel has left with them."""
    reservation = _locked(tx, order_id)
    if reservation is None or reservation.status != Status.RESERVED or reservation.reserved_at > before:
        return False
    reservation.status = Status.OVERDUE
    return True


def take(tx: Transaction, order_id: str, missing: list[Line]) -> None:
    """The pieces have left with the carrier, but for those that are `missing` from the parcel: they are still here, for sale
    again. Raises NotEnough if none lay apart for the order: then the books are wrong, and a person must look."""
    reservation, lines = _locked(tx, order_id), _lines(tx, order_id)
    if reservation is not None and reservation.status == Status.TAKEN:
        return
    if reservation is None or not lines:
        raise NotEnough(f"order {order_id} was fulfilled, and nothing was ever reserved for it")
    if reservation.status not in KEEPS:
        raise NotEnough(f"order {order_id} was fulfilled, and its pieces are for sale again: {reservation.reason}")
    left = without(lines, missing)
    _put_back(tx, without(lines, left))
    tx.execute(delete(ReservedLine).where(ReservedLine.order_id == order_id))
    _hold(tx, order_id, left)
    reservation.status = Status.TAKEN


def _open(tx: Transaction, order_id: str) -> tuple[Reservation, bool]:
    """The reservation of an order, locked, and whether it is new."""
    is_new = insert_new(tx, RESERVATIONS, order_id=order_id, reserved_at=time.time())
    return tx.get_one(Reservation, order_id, with_for_update=True, populate_existing=True), is_new


def _locked(tx: Transaction, order_id: str) -> Reservation | None:
    return tx.get(Reservation, order_id, with_for_update=True, populate_existing=True)


def _lines(tx: Transaction, order_id: str) -> list[Line]:
    found = tx.scalars(select(ReservedLine).where(ReservedLine.order_id == order_id))
    return merged([Line(line.sku, line.quantity) for line in found])


def _shortages(reservation: Reservation | None) -> list[Shortage]:
    """What was answered to an order that got nothing."""
    if reservation is None:
        return [Shortage("order", 0, 0, "nothing was ever reserved for it")]
    return [Shortage(**shortage) for shortage in reservation.shortages]


def _take(tx: Transaction, lines: list[Line]) -> list[Shortage]:
    """Lines in the order of `merged`: all of them from the shelf, or none and the shortages."""
    with tx.begin_nested() as attempt:
        shortages = [shortage for line in lines if (shortage := _shortage(tx, line))]
        if shortages:
            attempt.rollback()
    return shortages


def _shortage(tx: Transaction, line: Line) -> Shortage | None:
    """None if the pieces are taken. Pieces that come while we look are tried for again, so that the numbers are true."""
    while stock.move(tx, line.sku, -line.quantity) is None:
        there = stock.available(tx, line.sku) or 0
        if there < line.quantity:
            return Shortage(line.sku, line.quantity, there)
    return None


def _hold(tx: Transaction, order_id: str, lines: list[Line]) -> None:
    for line in lines:
        tx.execute(insert(ReservedLine).values(order_id=order_id, sku=line.sku, quantity=line.quantity))


def _put_back(tx: Transaction, lines: list[Line]) -> None:
    """Lines in the order of `merged`."""
    for line in lines:
        if stock.move(tx, line.sku, line.quantity) is None:
            raise NotEnough(f"{line.sku}: {line.quantity} pieces do not fit on the shelf any more")
