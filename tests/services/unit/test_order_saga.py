"""The saga's rules against every interleaving of a small world: every state that two workers, a network that delays, a provider
and a carrier that fail, a customer who changes the mind and a stock that says anything at any time can bring about."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace

import pytest

from labs.services.order.domain import ENDED, Status
from labs.services.order.progress import LONGEST_PAUSE, Saga, Taken, pause
from labs.services.order.saga import STEPS, Asked, Done, Later, Outcome, Refused, mermaid

SAGA = Saga()
SOON, MUCH_LATER = 0.0, 10_000.0
"""Seconds: within the patience of every step, and beyond it."""
WORKERS, ATTEMPTS = 2, 2
UNREACHED, LOST = Later("connection refused", maybe_done=False), Later("no answer in time", maybe_done=True)


@dataclass
class Order:
    """As much of the row as the saga needs."""

    status: str = ""
    reason: str = ""
    step: str = ""
    back: bool = False
    attempts: int = 0
    doubt: bool = False
    since: float = 0.0
    due_at: float | None = None
    error: str = ""
    ends_as: str = ""
    amount: int = 700
    missing: int = 0


@dataclass(frozen=True)
class World:
    """One state of everything. `held`: steps taken by workers, with the answer once they have one."""

    order: tuple[object, ...]
    held: tuple[tuple[Taken, Outcome | None], ...] = ()
    flying: frozenset[str] = frozenset()  # requests that nobody waits for any more, still on their way
    charge: str = "none"  # charged, voided
    given_back: str = "nothing"  # part, all
    parcel: str = "none"  # all, part, nothing
    promised: bool = False  # the customer was told that it will be cancelled
    told: frozenset[str] = field(default_factory=frozenset)

    def look(self) -> Order:
        """A copy of the order that may be changed."""
        return Order(*self.order)  # type: ignore[arg-type]

    def but(self, order: Order, told: list[str], **changes: object) -> "World":
        """The world in which the order is this, and these events have been told. No event is ever told twice."""
        assert not self.told & set(told), f"told again: {told}"
        kept = replace(order, error="", reason="", since=SOON, due_at=None if order.due_at is None else SOON)
        row = tuple(getattr(kept, each.name) for each in fields(kept))
        return replace(self, order=row, told=self.told | set(told), **changes)  # type: ignore[arg-type]


def asked(world: World, action: str) -> Iterator[tuple[World, Outcome]]:
    """A request reaches whom it is for: what becomes of the world, and the answer."""
    match action:
        case "charge":
            if world.charge == "none":
                yield world, Refused("declined")
            if world.charge == "voided":
                yield world, Refused("voided")
            else:
                yield replace(world, charge="charged"), Done()
        case "refund":
            yield world, Refused("not today")
            charged = world.charge == "charged"
            yield replace(world, given_back="all") if charged else replace(world, charge="voided"), Done()
        case "ship":
            for parcel in ("all", "part", "nothing") if world.parcel == "none" else (world.parcel,):
                shipped = replace(world, parcel=parcel)
                yield shipped, Refused("nothing there") if parcel == "nothing" else Done({"missing": parcel == "part"})
        case "repay":
            yield world, Refused("not today")
            yield replace(world, given_back="part"), Done()
        case "reserve":
            yield world, Asked("order_placed", {}, 30)
        case "release":
            yield world, Done()


def successors(world: World) -> Iterator[World]:
    """Everything that can happen next."""
    order = world.look()
    for status in (Status.CONFIRMED, Status.REJECTED):
        if SAGA.settle(order := world.look(), status, "", SOON):
            yield world.but(order, [f"order_{status}"])
    for end in (Status.CANCELLED, Status.REJECTED):
        if SAGA.abandon(order := world.look(), "", end, SOON):
            yield world.but(order, [], promised=world.promised or end == Status.CANCELLED)
    order = world.look()
    if order.step and order.attempts < ATTEMPTS and len(world.held) < WORKERS:
        taken = SAGA.take(order, SOON)
        yield world.but(order, [], held=(*world.held, (taken, None)))
    for number, (taken, answer) in enumerate(world.held):
        others = world.held[:number] + world.held[number + 1 :]
        yield replace(world, held=others)  # the worker is killed
        if answer is None:
            yield replace(world, held=(*others, (taken, UNREACHED)))
            yield replace(world, held=(*others, (taken, LOST)), flying=world.flying | {taken.action})
            for after, outcome in asked(world, taken.action):
                yield replace(after, held=(*others, (taken, outcome)))
                yield replace(after, held=(*others, (taken, LOST)))
        else:
            for now in (SOON, MUCH_LATER):
                told = SAGA.answer(order := world.look(), taken, answer, now)
                yield world.but(order, told, held=others)
    for action in world.flying:
        for after, _ in asked(world, action):
            yield replace(after, flying=world.flying - {action})


def newly_placed() -> World:
    order = Order()
    SAGA.begin(order, SOON, due_at=SOON)
    return World(()).but(order, [])


def explore(neighbours: Callable[[World], Iterator[World]] = successors) -> dict[World, World | None]:
    """Every state that can be reached, each with one that leads to it."""
    start = newly_placed()
    came_from: dict[World, World | None] = {start: None}
    todo = [start]
    while todo:
        here = todo.pop()
        for there in map(plain, neighbours(here)):
            if there not in came_from:
                came_from[there] = here
                todo.append(there)
    return came_from


def plain(world: World) -> World:
    """Two worlds that differ in nothing that matters are one: an answer for which nobody waits, and who holds which."""
    waited_for = []
    for taken, answer in world.held:
        told = SAGA.answer(order := world.look(), taken, answer, MUCH_LATER) if answer else []
        if answer is None or told or order != world.look():
            waited_for.append((taken, answer))
    return replace(world, held=tuple(sorted(waited_for, key=repr)))


def wrong_with(world: World) -> str:
    """Why an order that has ended like this is not well; empty if it is."""
    order = world.look()
    if world.promised != (order.status == Status.CANCELLED):
        return "what the customer was promised"
    if order.status == Status.FULFILLED:
        owed = {"all": "nothing", "part": "part"}.get(world.parcel, "all")
        return "" if (world.charge, world.given_back) == ("charged", owed) else "paid for what was shipped, and no more"
    if world.parcel in ("all", "part"):
        return "shipped, and not fulfilled"
    return "" if world.charge != "charged" or world.given_back == "all" else "charged and neither shipped nor refunded"


@pytest.fixture(scope="module")
def states() -> dict[World, World | None]:
    return explore()


def test_whatever_happens_charged_is_shipped_or_refunded(states):
    quiet = [world for world in states if world.look().status in ENDED and not world.held and not world.flying]
    assert not [(wrong_with(world), story(states, world)) for world in quiet if wrong_with(world)][:1]
    assert {world.look().status for world in quiet} == ENDED
    assert {(world.charge, world.parcel) for world in quiet} >= {
        ("charged", "all"),
        ("charged", "part"),
        ("charged", "nothing"),
        ("voided", "none"),
    }, "the world is rich enough to be worth the visit"


def test_an_ended_order_has_told_so_once_and_waits_for_nothing(states):
    for world in states:
        order = world.look()
        assert (order.status in ENDED) == (order.step == "") == (order.due_at is None)
        ends = world.told & {f"order_{end}" for end in ENDED}
        assert ends == ({f"order_{order.status}"} if order.status in ENDED else set())


@pytest.mark.parametrize("stock_says", [Status.CONFIRMED, Status.REJECTED])
def test_from_every_state_the_saga_ends_once_the_faults_have(states, stock_says):
    for world in states:
        end = at_peace(world, stock_says)
        assert end.look().status in ENDED, story(states, world)
        assert not wrong_with(end), (wrong_with(end), story(states, world))


def at_peace(world: World, stock_says: Status) -> World:
    """The world when all that is on its way has arrived, and every step taken from here on gets its answer."""
    world = replace(world, held=())
    for action in sorted(world.flying):
        world, _ = list(asked(world, action))[-1]
    world = replace(world, flying=frozenset())
    for _ in range(10):
        order = world.look()
        if not order.step:
            break
        taken = SAGA.take(order, SOON)
        world, outcome = list(asked(world.but(order, []), taken.action))[-1]
        told = SAGA.answer(order := world.look(), taken, outcome, SOON)
        if isinstance(outcome, Asked) and SAGA.settle(order, stock_says, "", SOON):
            told = [f"order_{stock_says}"]
        world = world.but(order, told)
    return world


def story(came_from: dict[World, World | None], world: World) -> list[World]:
    """How it came to this, in short."""
    path = [world]
    while (before := came_from[path[-1]]) is not None:
        path.append(before)
    return path[::-1]


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_steps_follow_each_other_from_placed_to_fulfilled():
    assert (STEPS[0].before, STEPS[-1].after) == (Status.PLACED, Status.FULFILLED)
    assert [step.after for step in STEPS[:-1]] == [step.before for step in STEPS[1:]]


def test_behind_a_step_that_cannot_be_undone_there_is_none_that_can():
    undoable = [bool(step.compensation) for step in STEPS]
    assert undoable == sorted(undoable, reverse=True)


def test_a_step_that_cannot_be_undone_is_never_given_up():
    assert {step.name for step in STEPS if not step.compensation} == {"fulfil", "repay"}
    assert all(step.patience == float("inf") for step in STEPS if not step.compensation)


def test_the_diagram_shows_every_step_and_every_way_back():
    lines = [line.strip() for line in mermaid().splitlines()]
    assert lines[0] == "stateDiagram-v2"
    assert {
        "[*] --> reserve",
        "reserve --> charge: confirmed",
        "charge --> fulfil: paid",
        "repay --> [*]: fulfilled",
        "charge --> refund: refused, given up or cancelled",
        "fulfil --> refund: refused, given up or cancelled",
        "refund --> release",
        "release --> [*]: rejected or cancelled",
    } <= set(lines)
    assert not [line for line in lines if line.startswith("repay --> re")], "there is no way back from there"


def test_attempts_come_ever_later_but_never_later_than_the_longest_pause():
    pauses = [pause(attempt) for attempt in range(1, 50)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.5, LONGEST_PAUSE)


def test_nothing_is_charged_and_nothing_paid_back_for_an_order_that_costs_nothing():
    order = Order(amount=0)
    SAGA.begin(order, SOON, due_at=SOON)
    assert SAGA.settle(order, Status.CONFIRMED, "", SOON)
    assert (order.step, order.status) == ("fulfil", "paid")
    taken = SAGA.take(order, SOON)
    assert SAGA.answer(order, taken, Refused("nothing there"), SOON) == []
    assert (order.step, order.back) == ("reserve", True)
