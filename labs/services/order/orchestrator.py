"""Carries sagas on: takes what is due, does it outside of any transaction, writes down what was answered.

Between two of these steps the process may die, another worker may do the same, the customer may cancel: progress.py says why
that comes out right."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, Float, Integer, Row, Table, bindparam, select, union_all

from labs.services.chassis import crash, logs, metrics, traces
from labs.services.chassis.database import Database, Transaction, insert_new
from labs.services.order import events, store
from labs.services.order.domain import ENDED
from labs.services.order.progress import Saga, Taken
from labs.services.order.saga import Asked, Done, Later, Outcome, Step
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
        self._due = _due_at(saga.steps)

    def take(self, room: Mapping[str, int]) -> list[Task]:
        """Orders that are due, at most so many at each step. Each is given to one caller, until the lease is over."""
        now = self._clock()
        # One more than there is room for: it shows how long a step that has none keeps orders waiting.
        one_more = {f"room_{step.name}": room.get(step.name, 0) + 1 for step in self.saga.steps}
        with self._db.reading() as session:
            due = session.execute(self._due, one_more | {"now": now}).all()
        self._measure(due, now)
        ids = [row.id for step in self.saga.steps for row in _of(due, step.name)[: room.get(step.name, 0)]]
        if not ids:
            return []
        ours = select(Order).where(Order.id.in_(ids), Order.due_at <= now).order_by(Order.due_at)
        with self._db.transaction() as tx:
            return [
                Task(order, self.saga.take(order, now)) for order in tx.scalars(ours.with_for_update(skip_locked=True))
            ]

    def carry(self, task: Task, has_room: Callable[[str], bool] = lambda _step: False) -> Task | None:
        """Do what the step says, and write down the answer. If that leads to another step, and it `has_room`, that is taken in
        the same transaction and returned, to be carried out next."""
        order, taken = task.order, task.taken
        with logs.correlated(order.correlation_id), traces.span(f"saga {taken.action}", parent=order.traceparent):
            crash.point("before_call")
            outcome = self._act(task)
            crash.point("after_call")
            traces.note("saga.outcome", type(outcome).__name__.lower())
            ATTEMPTS.labels(taken.action, type(outcome).__name__.lower()).inc()
            with self._db.transaction() as tx:
                current = store.locked(tx, order.id)
                told = self._write(tx, current, taken, outcome) if current else []
                following = self._go_on(current, has_room) if current else None
        for event_type in told:
            if (end := event_type.removeprefix("order_")) in ENDED:
                store.ENDINGS.labels(end).inc()
        return following

    def run(self, order_id: str) -> None:
        """Carry one order on, whether or not it is due, until its saga has ended or waits for somebody. For whoever has all
        that the actions need at hand."""
        with self._db.transaction() as tx:
            order = store.locked(tx, order_id)
            task = Task(order, self.saga.take(order, self._clock())) if order and order.step else None
        while task:
            task = self.carry(task, lambda _step: True)

    def _act(self, task: Task) -> Outcome:
        order, taken = task.order, task.taken
        try:
            outcome = self._actions[taken.action](order)
        except Exception as error:  # whatever it was, the order must go on
            log.error("a step failed", order_id=order.id, action=taken.action, exc_info=error)
            return Later(f"{type(error).__name__}: {error}", maybe_done=True)
        said = {} if isinstance(outcome, Done | Asked) else {"reason": outcome.reason}
        log.info(
            f"saga {taken.action}", order_id=order.id, attempt=taken.attempt, outcome=type(outcome).__name__, **said
        )
        return outcome

    def _write(self, tx: Transaction, order: Order, taken: Taken, outcome: Outcome) -> list[str]:
        """Returns the events that this told. What was done outside is noted also when nobody waits for it any more."""
        if isinstance(outcome, Done):
            for kind, values in outcome.records:
                assert isinstance(kind.__table__, Table)
                insert_new(tx, kind.__table__, **values)
        if not self.saga.waits_for(order, taken):
            log.info("an answer came too late", order_id=order.id, action=taken.action, attempt=taken.attempt)
            return []
        told = self.saga.answer(order, taken, outcome, self._clock())
        if isinstance(outcome, Asked) and not order.back:
            tx.tell(outcome.event, dict(outcome.data))
        for event_type in told:
            tx.tell(event_type, events.data(event_type, order))
        return told

    def _go_on(self, order: Order, has_room: Callable[[str], bool]) -> Task | None:
        """The next step at once: it is due, and this process has the order in hand."""
        if not order.step or order.attempts or not has_room(order.step):
            return None
        return Task(order, self.saga.take(order, self._clock()))

    def _measure(self, due: Sequence[Row[Any]], now: float) -> None:
        for step in self.saga.steps:
            LATE.labels(step.name).set(max((now - row.due_at for row in _of(due, step.name)), default=0))


def _of(due: Sequence[Row[Any]], step: str) -> list[Row[Any]]:
    return [row for row in due if row.step == step]


def _due_at(steps: Iterable[Step]) -> CompoundSelect[Any]:
    """Who is due at each of these steps, the longest waiting first: at most `room_<step>` each. A step with many that wait
    hides no other."""
    waiting = select(Order.id, Order.step, Order.due_at).where(Order.due_at <= bindparam("now", type_=Float))
    longest = waiting.order_by(Order.due_at)
    of_each = [
        longest.where(Order.step == step.name).limit(bindparam(f"room_{step.name}", type_=Integer)) for step in steps
    ]
    return union_all(*(select(each.subquery()) for each in of_each))
