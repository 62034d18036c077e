"""Forgets what nobody needs any more, a little at a time. The keeper of a worker does that, and counts the dead letters that
wait; a process without a worker has a clock that does it."""

import threading
import time
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Float, Select, column, delete, inspect, select, table, tuple_
from sqlalchemy.exc import SQLAlchemyError

from labs.services.chassis import logs, metrics, topology
from labs.services.chassis.database import Database
from labs.services.chassis.publisher import BrokerAway, Publisher
from labs.services.chassis.settings import Settings

FORGETTING, COUNTING = 60.0, 2.0
"""Seconds between two looks for what is old, and between two at the dead letters."""
BATCH = 500
"""Rows that go in one transaction, so that nobody waits long for it."""
DEAD = metrics.gauge(
    "dead_letters_waiting", "Dead letters in the service's queue; not a number while the broker is away"
)
log = logs.get(__name__)


@dataclass(frozen=True)
class Kept:
    """Rows of a table, if the service has it, are kept for so many seconds after a moment (seconds since the epoch)."""

    table: str
    moment: str
    seconds: float


def kept(settings: Settings) -> list[Kept]:
    """What grows with every event and request. An inbox row must outlive every copy of its event, a dead letter included."""
    return [
        Kept("outbox", "sent_at", settings.keep_sent),
        Kept("inbox", "received_at", settings.keep_received),
        Kept("idempotency_keys", "created_at", settings.keep_answers),
    ]


def forget(db: Database, each: Kept) -> int:
    """Delete what is older, batch by batch; returns how many rows."""
    look = inspect(db.engine)
    if not look.has_table(each.table):
        return 0
    keys: list[ColumnElement[Any]] = [column(n) for n in look.get_pk_constraint(each.table)["constrained_columns"]]
    moment, rows = column(each.moment, Float), table(each.table)
    old = select(*keys).select_from(rows).where(moment < time.time() - each.seconds).limit(BATCH)
    gone = 0
    while _any(db, old):
        with db.transaction() as tx:
            free = old.with_for_update(skip_locked=True)  # another keeper may be at it
            done = cast("CursorResult[Any]", tx.execute(delete(rows).where(tuple_(*keys).in_(free))))
        gone += done.rowcount
        if done.rowcount < BATCH:
            break
        time.sleep(0.01)  # let others have the database
    return gone


def tidy(settings: Settings, db: Database) -> None:
    """Forget all that is old."""
    try:
        for each in kept(settings):
            if gone := forget(db, each):
                log.info("old rows are forgotten", table=each.table, rows=gone)
    except SQLAlchemyError as error:
        log.warning("old rows stay for now", reason=str(error))


def _any(db: Database, old: Select[*tuple[Any, ...]]) -> bool:
    with db.reading() as session:
        return session.execute(old.limit(1)).first() is not None


class Keeper:
    """Until it is stopped. `consuming` is set while the service's queues are there; None for a service that has none."""

    def __init__(self, settings: Settings, db: Database, broker: Publisher, consuming: threading.Event | None) -> None:
        self._settings, self._db, self._broker, self._consuming = settings, db, broker, consuming
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look now and then."""
        due = 0.0
        while not self._stopped.wait(COUNTING):
            self.count()
            if time.monotonic() >= due:
                tidy(self._settings, self._db)
                due = time.monotonic() + FORGETTING

    def count(self) -> None:
        """How many dead letters wait."""
        if self._consuming is None:
            return
        try:
            DEAD.set(
                self._broker.depth(topology.dead(self._settings.service)) if self._consuming.is_set() else float("nan")
            )
        except BrokerAway:
            DEAD.set(float("nan"))

    def stop(self) -> None:
        """End `run`."""
        self._stopped.set()
