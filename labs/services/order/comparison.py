"""Two books of one day side by side, compared by the database: our own payments, and what has come of the provider's book."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from labs.services.order.tables import Payment, ProviderEntry

MOST = 1000
"""Differences that are listed: whoever meets more of them has one cause to look for, not a list to work through."""


@dataclass(frozen=True)
class Comparison:
    """How many entries there are, how many of them are different, and the first of these: {kind, order_id, ours, theirs},
    amounts in minor units, 0 where there is no entry."""

    compared: int
    different: int
    differences: list[dict[str, Any]]


def compare(session: Session, day: str) -> Comparison:
    """What either book says of this day (YYYY-MM-DD), summed up by kind and order."""
    sums = _sums(day).subquery()
    unlike = sums.c.ours != sums.c.theirs
    compared, different = session.execute(select(func.count(), func.count().filter(unlike)).select_from(sums)).one()
    first = select(sums).where(unlike).order_by(sums.c.kind, sums.c.order_id).limit(MOST)
    listed = [
        {"kind": kind, "order_id": order_id, "ours": int(ours), "theirs": int(theirs)}
        for kind, order_id, ours, theirs in session.execute(first)
    ]
    return Comparison(compared, different, listed)


def _sums(day: str) -> Select[Any]:
    nothing = literal(0)
    ours = select(Payment.kind, Payment.order_id, Payment.amount.label("ours"), nothing.label("theirs"))
    theirs = select(ProviderEntry.kind, ProviderEntry.order_id, nothing, ProviderEntry.amount)
    both = union_all(ours.where(Payment.day == day), theirs.where(ProviderEntry.day == day)).subquery()
    key = (both.c.kind, both.c.order_id)
    return select(*key, func.sum(both.c.ours).label("ours"), func.sum(both.c.theirs).label("theirs")).group_by(*key)
