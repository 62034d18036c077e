"""The saga of an order as data: which step follows which, what does it, what undoes it; and the diagram of that table.

What a step does is a name here; who carries the saga on (orchestrator.py) brings the functions for these names. So the same
saga runs over HTTP and events in order-service, and inside one database in the monolith. progress.py has the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from labs.services.order.domain import Status


@dataclass(frozen=True)
class Step:
    """One step forward. `action` and `compensation` are names of functions; "" as compensation means there is no way back.
    `tells` is the event once it is done; an order whose field `when` is empty or 0 needs none of this; after `patience`
    seconds without success it is given up, if it has a compensation."""

    name: str
    before: Status
    after: Status
    action: str
    compensation: str = ""
    tells: str = ""
    when: str = ""
    patience: float = float("inf")


STEPS = (
    Step("reserve", Status.PLACED, Status.CONFIRMED, "reserve", "release", "order_confirmed", patience=600),
    Step("charge", Status.CONFIRMED, Status.PAID, "charge", "refund", "order_paid", when="amount", patience=600),
    Step("fulfil", Status.PAID, Status.PAID, "ship"),
    Step("repay", Status.PAID, Status.FULFILLED, "repay", "", "order_fulfilled", when="missing"),
)


@dataclass(frozen=True)
class Done:
    """The other side did it, now or before. `facts` are fields of the order that this tells; `records` are rows to be kept,
    each as (table, values), unless their key is there already."""

    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    records: Sequence[tuple[Any, Mapping[str, Any]]] = ()


@dataclass(frozen=True)
class Refused:
    """The other side will not do it, whoever asks again."""

    reason: str


@dataclass(frozen=True)
class Later:
    """Not now. `maybe_done`: nobody knows whether the other side did it."""

    reason: str
    maybe_done: bool


@dataclass(frozen=True)
class Asked:
    """The answer will come as an event; if not, ask again in `again_in` seconds by telling `event`."""

    event: str
    data: Mapping[str, Any] = field(hash=False)
    again_in: float


Outcome = Done | Refused | Later | Asked


def mermaid(steps: Sequence[Step] = STEPS) -> str:
    """The table as a Mermaid state diagram: steps forward, labelled with what the order is then, and compensations back."""
    lines = ["stateDiagram-v2", f"    [*] --> {steps[0].name}"]
    for step in steps:
        needed = f", if {step.when}" if step.when else ""
        lines.append(f"    {step.name}: {step.name} ({step.action}{needed})")
    for step, following in zip(steps, [*(each.name for each in steps[1:]), "[*]"], strict=True):
        lines.append(f"    {step.name} --> {following}: {step.after.value}")
    for number, step in enumerate(steps):
        if all(each.compensation for each in steps[:number]):
            nearest = next(each.compensation for each in reversed(steps[: number + 1]) if each.compensation)
            lines.append(f"    {step.name} --> {nearest}: refused, given up or cancelled")
    back = [step.compensation for step in reversed(steps) if step.compensation]
    lines += [f"    {here} --> {there}" for here, there in pairwise(back)]
    return "\n".join([*lines, f"    {back[-1]} --> [*]: {Status.REJECTED.value} or {Status.CANCELLED.value}"])
