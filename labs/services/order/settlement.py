"""The settlement of a day: is what we believe to have charged and refunded what the provider has in its book?

Batch work: asked for over HTTP or every night (nightly.py), handed to the worker over the queue, and done outside of any
transaction, a page of the provider's book at a time. Each page is written down together with the place of the next one, so
whoever dies in the middle, or has done enough for now, is followed by another one that goes on from there."""

import time
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Table, Update, delete, insert, select, update
from sqlalchemy.orm import Session

from labs.services.chassis import logs
from labs.services.chassis.client import Unreachable
from labs.services.chassis.database import Database, Transaction, insert_new
from labs.services.order.comparison import compare
from labs.services.order.payments import Payments
from labs.services.order.tables import ProviderEntry, Settlement

WAITING, DONE = "waiting", "done"
PAUSE = 10.0
"""Seconds until the next attempt where the provider does not answer, or whoever took a page has died."""
LOOK = 0.5
"""Seconds after which a look begins no further page: whatever else has a timer wants its turn."""
SETTLEMENTS = cast(Table, Settlement.__table__)
log = logs.get(__name__)


def ask(tx: Transaction, day: str) -> Settlement:
    """A new comparison of this day (YYYY-MM-DD, of UTC); what an earlier one found is forgotten."""
    _ask(tx, day, time.time())
    return tx.get_one(Settlement, day)


def ask_once(tx: Transaction, day: str, since: float, now: float) -> bool:
    """The same `now`, unless somebody has asked `since` that moment (seconds since the epoch); False if so."""
    return _ask(tx, day, now, Settlement.asked_at < since)


def find(session: Session, day: str) -> Settlement | None:
    """None if nobody asked for this day."""
    return session.get(Settlement, day)


def begin(tx: Transaction, day: str) -> None:
    """From now on it is due."""
    waiting = update(Settlement).where(Settlement.day == day, Settlement.status == WAITING)
    tx.execute(waiting.values(due_at=time.time()))


def carry_on(db: Database, payments: Payments) -> None:
    """One look: do what is due, for LOOK seconds. What is left is due at the next look; what fails is due again later."""
    until = time.monotonic() + LOOK
    while (taken := _take(db)) is not None:
        if taken.complete:
            _finish(db, taken)
        else:
            try:
                page = payments.entries(taken.day, taken.after)
            except Unreachable as error:
                log.warning("settlement waits", day=taken.day, reason=str(error))
                return
            _keep(db, taken, page)
        if time.monotonic() >= until:
            return


def _ask(tx: Transaction, day: str, now: float, *only_if: ColumnElement[bool]) -> bool:
    anew: dict[str, Any] = {
        "status": WAITING,
        "due_at": None,
        "after": None,
        "complete": False,
        "compared": 0,
        "different": 0,
        "differences": [],
        "asked_at": now,
        "done_at": None,
    }
    if not insert_new(tx, SETTLEMENTS, day=day, **anew):
        known = update(Settlement).where(Settlement.day == day, *only_if).values(**anew)
        if not _changed(tx, known):
            return False
        tx.execute(delete(ProviderEntry).where(ProviderEntry.day == day))
    tx.tell("settlement_asked", {"day": day})
    return True


def _take(db: Database) -> Settlement | None:
    """One that is due, for this caller alone until PAUSE is over."""
    now = time.time()
    due = select(Settlement).where(Settlement.due_at <= now).order_by(Settlement.due_at).limit(1)
    with db.reading() as session:
        if session.scalar(due) is None:
            return None
    with db.transaction() as tx:
        if settlement := tx.scalar(due.with_for_update(skip_locked=True)):
            settlement.due_at = now + PAUSE
        return settlement


def _keep(db: Database, taken: Settlement, page: dict[str, Any]) -> None:
    names = ("id", "kind", "order_id", "amount")
    entries = [{"day": taken.day} | {name: entry[name] for name in names} for entry in page["items"]]
    complete = page["next"] is None
    with db.transaction() as tx:
        if _still_mine(tx, taken, due_at=time.time(), after=page["next"], complete=complete) and entries:
            tx.execute(insert(ProviderEntry), entries)


def _finish(db: Database, taken: Settlement) -> None:
    with db.reading() as session:
        found = compare(session, taken.day)
    with db.transaction() as tx:
        if not _still_mine(tx, taken, status=DONE, due_at=None, done_at=time.time(), **vars(found)):
            return
        tx.execute(delete(ProviderEntry).where(ProviderEntry.day == taken.day))
    log.info("settled", day=taken.day, compared=found.compared, differences=found.different)


def _still_mine(tx: Transaction, taken: Settlement, **values: Any) -> bool:
    """Write this down, unless somebody has asked anew or taken it after PAUSE: then it is theirs, and False."""
    mine = update(Settlement).where(Settlement.day == taken.day, Settlement.due_at == taken.due_at)
    return _changed(tx, mine.values(**values))


def _changed(tx: Transaction, one: Update) -> bool:
    return cast("CursorResult[Any]", tx.execute(one)).rowcount == 1
