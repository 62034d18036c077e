"""The settlement of a day: is what we believe to have charged and refunded what the provider has in its book?

Batch work: asked for over HTTP, handed to the worker over the queue, and done outside of any transaction."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from labs.services.chassis import logs
from labs.services.chassis.client import Unreachable
from labs.services.chassis.database import Database, Transaction, insert_new
from labs.services.order.payments import CHARGE, REFUND, Payments
from labs.services.order.tables import Payment, Settlement

WAITING, DONE = "waiting", "done"
PAUSE = 10.0
"""Seconds until the next attempt where the provider does not answer, or whoever began has died."""
Book = Mapping[tuple[str, str], int]
"""Minor units by kind and order."""
log = logs.get(__name__)


def ask(tx: Transaction, day: str) -> Settlement:
    """A new comparison of this day (YYYY-MM-DD, of UTC); what an earlier one found is forgotten."""
    now = time.time()
    table = Settlement.__table__
    assert isinstance(table, Table)
    anew: dict[str, Any] = {
        "status": WAITING,
        "due_at": None,
        "compared": 0,
        "differences": [],
        "asked_at": now,
        "done_at": None,
    }
    if not insert_new(tx, table, day=day, **anew):
        tx.execute(update(Settlement).where(Settlement.day == day).values(**anew))
    tx.tell("settlement_asked", {"day": day})
    return tx.get_one(Settlement, day)


def find(session: Session, day: str) -> Settlement | None:
    """None if nobody asked for this day."""
    return session.get(Settlement, day)


def begin(tx: Transaction, day: str) -> None:
    """From now on it is due."""
    waiting = update(Settlement).where(Settlement.day == day, Settlement.status == WAITING)
    tx.execute(waiting.values(due_at=time.time()))


def carry_on(db: Database, payments: Payments) -> None:
    """Do what is due; what fails is due again later."""
    while (settlement := _take(db)) is not None:
        try:
            theirs = _theirs(payments.book(settlement.day))
        except Unreachable as error:
            log.warning("settlement waits", day=settlement.day, reason=str(error))
            return
        with db.reading() as session:
            ours = _ours(session, settlement.day)
        compared, found = len(ours.keys() | theirs.keys()), differences(ours, theirs)
        with db.transaction() as tx:
            mine = update(Settlement).where(Settlement.day == settlement.day, Settlement.due_at == settlement.due_at)
            tx.execute(mine.values(status=DONE, due_at=None, done_at=time.time(), compared=compared, differences=found))
        log.info("settled", day=settlement.day, compared=compared, differences=len(found))


def differences(ours: Book, theirs: Book) -> list[dict[str, Any]]:
    """Where two books do not agree, in the order of the order ids; amounts in minor units, 0 where there is no entry."""
    unlike = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key, 0) != theirs.get(key, 0))
    return [
        {
            "kind": kind,
            "order_id": order_id,
            "ours": ours.get((kind, order_id), 0),
            "theirs": theirs.get((kind, order_id), 0),
        }
        for kind, order_id in unlike
    ]


def _take(db: Database) -> Settlement | None:
    """One that is due, for this caller alone until PAUSE is over."""
    now = time.time()
    due = select(Settlement).where(Settlement.due_at <= now).limit(1)
    with db.reading() as session:
        if session.scalar(due) is None:
            return None
    with db.transaction() as tx:
        if settlement := tx.scalar(due.with_for_update(skip_locked=True)):
            settlement.due_at = now + PAUSE
        return settlement


def _ours(session: Session, day: str) -> Book:
    rows = session.execute(select(Payment.kind, Payment.order_id, Payment.amount).where(Payment.day == day))
    return _sums((kind, order_id, amount) for kind, order_id, amount in rows)


def _theirs(book: Mapping[str, Any]) -> Book:
    return _sums(
        (kind, each["order_id"], each["amount"])
        for kind, entries in ((CHARGE, book["charges"]), (REFUND, book["refunds"]))
        for each in entries
    )


def _sums(entries: Iterable[tuple[str, str, int]]) -> Book:
    sums: Counter[tuple[str, str]] = Counter()
    for kind, order_id, amount in entries:
        sums[kind, order_id] += amount
    return sums
