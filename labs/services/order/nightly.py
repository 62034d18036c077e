"""The nightly batch: every day is settled once it is over, without anybody asking. Whoever was away at night catches up."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, load_only

from labs.services.chassis import logs
from labs.services.chassis.database import Database
from labs.services.order import settlement
from labs.services.order.tables import Order, Settlement

AFTER = 3600.0
"""Seconds from the end of a day until it is settled: by then it is known of most charges what became of them."""
DAYS = 7
"""That are caught up with at most, the last ones."""
MONEY = ("charge", "repay")
"""Steps of the saga at which the provider may have moved money that our own book does not know of yet."""
ENOUGH = 100
"""Attempts, at least 20 minutes of them: an order that is still at such a step then is waited for no longer."""
log = logs.get(__name__)


def ask(db: Database, now: float) -> list[str]:
    """Ask for the settlement of every day that is over at `now` (seconds since the epoch), unless somebody has since it was;
    returns these days, oldest first. Any number of workers may do so at any time: each day is asked for once."""
    with db.reading() as session:
        missed = _missed(session, now)
    asked = []
    for day in missed:
        with db.transaction() as tx:
            if settlement.ask_once(tx, day.isoformat(), _end(day), now):
                asked.append(day.isoformat())
    if asked:
        log.info("days are over and will be settled", days=asked)
    return asked


def _missed(session: Session, now: float) -> list[date]:
    last = datetime.fromtimestamp(now - AFTER, UTC).date() - timedelta(days=1)
    days = [last - timedelta(days=ago) for ago in reversed(range(DAYS))]
    known = select(Settlement).where(Settlement.day.in_([day.isoformat() for day in days]))
    asked = {each.day: each.asked_at for each in session.scalars(known.options(load_only(Settlement.asked_at)))}
    missed = [day for day in days if asked.get(day.isoformat(), 0.0) < _end(day)]
    if not missed:
        return []
    first = session.scalar(select(Order.created_at).order_by(Order.position).limit(1))
    unclear = select(func.min(Order.created_at)).where(Order.step.in_(MONEY), Order.attempts < ENOUGH)
    until = session.scalar(unclear) or now
    return [day for day in missed if first is not None and first < _end(day) <= until]


def _end(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + timedelta(days=1).total_seconds()
