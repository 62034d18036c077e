"""Carries sagas on: takes what is due, does it outside of any transaction, writes down what was answered.

Between two of these steps the process may die, another worker may do the same, the customer may cancel: progress.py says why
that comes out right."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Table, select

from labs.services.chassis import crash, logs, metrics, traces
from labs.services.chassis.database import Database, Transaction, insert_new
from labs.services.order import events, store
from labs.services.order.domain import ENDED
from labs.services.order.progress import Saga, Taken
from labs.services.order.saga import Asked, Done, Later, Outcome
from labs.services.order.tables import Order

Actions = Mapping[str, Callable[[Order], Outcome]]
"""What the names in the table of steps do. Each may take some seconds and must be over before the lease of a step is."""
ATTEMPTS = metrics.counter(
    "saga_attempts_total", "Steps of sagas that were tried, by what became of it", ("action", "outcome")
)
LATE = metrics.gauge("saga_late_seconds", "How long the order that waits longest for a step has been due", ("step",))
log = logs.get(__name__)


@dataclass(frozen=True)
class Task:
    """A step that this process has taken. The order is as it was then."""

    order: Order
    taken: Taken


class Orchestrator:
    """Of all orders in one database. `clock` gives seconds since the epoch."""

    def __init__(
        self, db: Database, actions: Actions, saga: Saga = store.SAGA, clock: Callable[[], float] = time.time
    ) -> None:
        self._db, self._actions, self.saga, self._clock = db, actions, saga, clock

    def take(self, step: str, limit: int) -> list[Task]:
        """At most `limit` orders that are due at this step. Each is given to one caller, until the lease is over."""
        now = self._clock()
        due = select(Order.id, Order.due_at).where(Order.step == step, Order.due_at <= now)
        with self._db.reading() as session:
            waiting = session.execute(due.order_by(Order.due_at).limit(limit)).all()
        LATE.labels(step).set(now - waiting[0].due_at if waiting else 0)
        if not waiting:
            return []
        ours = select(Order).where(Order.id.in_([row.id for row in waiting]), Order.step == step, Order.due_at <= now)
        with self._db.transaction() as tx:
            found = tx.scalars(ours.with_for_update(skip_locked=True)).all()
            return [Task(order, self.saga.take(order, now)) for order in found]

    def carry(self, task: Task) -> None:
        """Do what the step says, and write down the answer."""
        order, taken = task.order, task.taken
        with (
            logs.correlated(order.correlation_id),
            traces.span(f"saga {taken.action}", parent=order.traceparent),
        ):
            crash.point("before_call")
            outcome = self._act(task)
            crash.point("after_call")
            ATTEMPTS.labels(taken.action, type(outcome).__name__.lower()).inc()
            with self._db.transaction() as tx:
                current = store.locked(tx, order.id)
                told = self._write(tx, current, taken, outcome) if current else []
        for event_type in told:
            if (end := event_type.removeprefix("order_")) in ENDED:
                store.ENDINGS.labels(end).inc()

    def run(self, order_id: str) -> None:
        """Carry one order on, whether or not it is due, until its saga has ended or waits for somebody. For whoever has all
        that the actions need at hand."""
        while True:
            with self._db.transaction() as tx:
                order = store.locked(tx, order_id)
                if order is None or not order.step:
                    return
                task = Task(order, self.saga.take(order, self._clock()))
            self.carry(task)
            with self._db.reading() as session:
                after = store.get(session, order_id)
            if after is None or self.saga.waits_for(after, task.taken):
                return

    def _act(self, task: Task) -> Outcome:
        order, taken = task.order, task.taken
        try:
            outcome = self._actions[taken.action](order)
        except Exception as error:  # whatever it was, the order must go on
            log.error("a step failed", order=order.id, action=taken.action, exc_info=error)
            return Later(f"{type(error).__name__}: {error}", maybe_done=True)
        said = {} if isinstance(outcome, Done | Asked) else {"reason": outcome.reason}
        log.info(f"saga {taken.action}", order=order.id, attempt=taken.attempt, outcome=type(outcome).__name__, **said)
        return outcome

    def _write(self, tx: Transaction, order: Order, taken: Taken, outcome: Outcome) -> list[str]:
        """Returns the events that this told."""
        if not self.saga.waits_for(order, taken):
            log.info("an answer came too late", order=order.id, action=taken.action, attempt=taken.attempt)
            return []
        if isinstance(outcome, Done):
            for kind, values in outcome.records:
                assert isinstance(kind.__table__, Table)
                insert_new(tx, kind.__table__, **values)
        told = self.saga.answer(order, taken, outcome, self._clock())
        if isinstance(outcome, Asked) and not order.back:
            tx.tell(outcome.event, dict(outcome.data))
        for event_type in told:
            tx.tell(event_type, events.data(event_type, order))
        return told
