"""The rules of the saga: what taking a step, an answer, a change of mind make of an order. Pure: no I/O, no framework.

They keep charged ⇔ shipped or refunded:
* A step is written down as taken before anybody outside is asked; from then on it is in doubt until an answer clears it.
* Going back undoes every step that was in doubt or done, also the one that was refused: only the provider knows whether a
  request of ours is still on its way. So a compensation must bar what it undoes from happening later.
* A step without a compensation is the point of no return. While it is in doubt there is no way back, only its answer; from
  there on steps are repeated until they succeed.
* An answer counts only while the order still waits for it: same step, same direction, same attempt."""

from dataclasses import dataclass, replace
from typing import Protocol

from labs.services.order.domain import ENDED, Status, may_become
from labs.services.order.saga import STEPS, Asked, Done, Later, Outcome, Refused, Step

LEASE = 10.0
"""Seconds that whoever took a step has for it, more than an outside call may last; then another may take it again."""
LONGEST_PAUSE = 15.0
"""Seconds between two attempts of one step at most: so soon everything goes on after a provider was away for long."""


LONGEST_REASON = 500
"""Characters that are kept of what others say."""


class Progress(Protocol):
    """How far one order is: columns of its row. Times are seconds since the epoch."""

    status: str
    reason: str
    step: str  # the one being done or undone; "" once the saga has ended
    back: bool  # the direction: undoing
    attempts: int  # of this step in this direction
    doubt: bool  # somebody outside may have done this step, or be about to
    since: float  # the first attempt
    due_at: float | None  # somebody should take this step then; None once the saga has ended
    error: str  # what the last attempt said
    ends_as: str  # what the order becomes when it is undone


@dataclass(frozen=True)
class Taken:
    """A step that somebody has taken, and must carry out and report. `doubted`: it was in doubt before."""

    step: str
    back: bool
    attempt: int
    doubted: bool
    action: str


@dataclass(frozen=True)
class Saga:
    """The rules, over a table of steps. Methods change the order that they are given, and return the events to tell."""

    steps: tuple[Step, ...] = STEPS

    def patient(self, **seconds: float) -> "Saga":
        """The same with another patience for the steps named."""
        return Saga(tuple(replace(s, patience=seconds.get(s.name, s.patience)) for s in self.steps))

    def begin(self, order: Progress, now: float, due_at: float) -> None:
        """A new order. Its first step counts as asked for: the event that tells of the order asks for it."""
        order.status, order.step, order.back = self.steps[0].before, self.steps[0].name, False
        order.attempts, order.doubt, order.since, order.due_at = 1, True, now, due_at

    def take(self, order: Progress, now: float) -> Taken:
        """Attempt the step that the order is at. It is in doubt until answered, whatever becomes of whoever took it."""
        step = self._at(order)
        order.attempts += 1
        if order.attempts == 1:
            order.since = now
        taken = Taken(
            step.name, order.back, order.attempts, order.doubt, step.compensation if order.back else step.action
        )
        order.doubt, order.due_at = True, now + LEASE
        return taken

    def answer(self, order: Progress, taken: Taken, outcome: Outcome, now: float) -> list[str]:
        """What became of a step that was taken. It changes nothing if the order has gone on since."""
        if not self.waits_for(order, taken):
            return []
        if isinstance(outcome, Done):
            for name, value in outcome.facts.items():
                setattr(order, name, value)
            return self.undone(order, now) if order.back else self.passed(order, now)
        order.error = "" if isinstance(outcome, Asked) else _kept(outcome.reason)
        if isinstance(outcome, Later) and not outcome.maybe_done:
            order.doubt = taken.doubted
        step = self._at(order)
        if not order.back and isinstance(outcome, Refused) and self._may_turn(step):
            return self._turn(order, outcome.reason, Status.REJECTED, now)
        if not order.back and now - order.since >= step.patience:
            return self._turn(order, f"{step.name} was given up: {order.error or 'no answer'}", Status.REJECTED, now)
        order.due_at = now + (outcome.again_in if isinstance(outcome, Asked) else pause(order.attempts))
        return []

    def waits_for(self, order: Progress, taken: Taken) -> bool:
        """Is it still this attempt whose answer counts?"""
        return (order.step, order.back, order.attempts) == (taken.step, taken.back, taken.attempt)

    def passed(self, order: Progress, now: float) -> list[str]:
        """The step that the order is at is done: on to the next one that this order needs, or to the end."""
        told = []
        while True:
            step = self._at(order)
            self._become(order, step.after)
            told += [step.tells] if step.tells else []
            following = self.steps[self.steps.index(step) + 1 :]
            self._go_to(order, following[0].name if following else "", now)
            if not following or self._needs(order, following[0]):
                return told

    def undone(self, order: Progress, now: float) -> list[str]:
        """The step that the order is at is undone: back to the one before it, or to the end."""
        return self._back_from(order, self.steps.index(self._at(order)), now)

    def settle(self, order: Progress, status: Status, reason: str, now: float) -> bool:
        """The first step is answered: the order is confirmed, or rejected with nothing to undo. False if it is too late."""
        if order.back or order.step != self.steps[0].name or not may_become(Status(order.status), status):
            return False
        if status == Status.REJECTED:
            self._become(order, status)
            order.reason = _kept(reason)
            self._go_to(order, "", now)
        else:
            self.passed(order, now)
        return True

    def abandon(self, order: Progress, reason: str, ends_as: Status, now: float) -> bool:
        """Turn back, for a reason from outside the saga; the order `ends_as` that. False if there is no way back any more."""
        if order.status in ENDED or order.back:
            return False
        step = self._at(order)
        if not self._may_turn(step) or (not step.compensation and order.doubt):
            return False
        self._turn(order, reason, ends_as, now)
        return True

    def _may_turn(self, step: Step) -> bool:
        """Not behind a step that cannot be undone."""
        return all(each.compensation for each in self.steps[: self.steps.index(step)])

    def _turn(self, order: Progress, reason: str, ends_as: Status, now: float) -> list[str]:
        self._become(order, Status.UNDOING)
        order.back, order.reason, order.ends_as = True, _kept(reason), ends_as
        at = self.steps.index(self._at(order))
        return self._back_from(order, at + 1 if order.doubt else at, now)

    def _back_from(self, order: Progress, index: int, now: float) -> list[str]:
        for step in reversed(self.steps[:index]):
            if step.compensation and self._needs(order, step):
                self._go_to(order, step.name, now)
                return []
        self._become(order, Status(order.ends_as))
        self._go_to(order, "", now)
        return [f"order_{order.ends_as}"]

    def _go_to(self, order: Progress, name: str, now: float) -> None:
        order.step, order.attempts, order.doubt, order.error = name, 0, False, ""
        order.due_at = now if name else None

    def _become(self, order: Progress, status: Status) -> None:
        if order.status != status and not may_become(Status(order.status), status):
            raise ValueError(f"an order that is {order.status} cannot become {status}")
        order.status = status

    def _at(self, order: Progress) -> Step:
        return next(step for step in self.steps if step.name == order.step)

    def _needs(self, order: Progress, step: Step) -> bool:
        return not step.when or bool(getattr(order, step.when))


def pause(attempts: int) -> float:
    """Seconds until the next attempt: 0.5, 1, 2, 4 … LONGEST_PAUSE."""
    return min(LONGEST_PAUSE, 0.25 * 2.0 ** min(attempts, 10))


def _kept(reason: str) -> str:
    """PostgreSQL has texts without zero bytes only."""
    return reason.replace("\0", "")[:LONGEST_REASON]
