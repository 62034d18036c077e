"""Lab 02: a cut is judged by what it does to requests of the real monolith, the learner's measures by what was recorded."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from requests import HTTPError

from labs.classroom import cutting, watching
from labs.classroom.checks.lab02_miscounts import MISCOUNTS
from labs.classroom.cutting import Change, Owner, Request, Step
from labs.classroom.lab import Lab
from labs.classroom.people import ADMINISTRATOR
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.classroom.visited import MONOLITH
from labs.services.monolith.borders import CUSTOMER, Borders

CHECKS = Checks()
CAPABILITY, CROSSINGS, TEAMS = "capability", "crossings", "teams"
OTHERS = ("by_layer", "by_noun")
FEWEST_SERVICES = 3
ORDER = "POST /orders"
CALLS = (cutting.calls, "calls between services", 1)
MEASURES = {
    "by_layer": (CALLS, (cutting.crossings, "transactions with several services", 0)),
    "by_noun": (CALLS, (cutting.agreements, "agreements within transactions", 1)),
}
"""What a cut is compared by with each of the others, in words, and by how much it must be less."""


@CHECKS.exercise(CAPABILITY, "cuts/capability.py")
def capability(lab: Lab, _answer: Any) -> Verdict:
    """Everything has an owner, nobody reaches for a foreign table, and an order costs less than in the other cuts."""
    try:
        cut = lab.cut(CAPABILITY)
        missing = cutting.unowned(cut, lab.parts())
    except Exception as error:  # noqa: BLE001  whatever a learner's file raises is the verdict
        return wrong("raises", f"Your cut cannot be read: {type(error).__name__}: {error}.")
    if missing:
        message = f"{len(missing)} parts belong to nobody: {', '.join(missing[:4])} … Whoever calls them finds nobody."
        return wrong("unowned", message)
    if idle := _idle(cut, lab.parts()):
        message = f"The pattern {idle!r} decides nothing. Is it spelt so? Or has one above it taken all that it fits?"
        return wrong("idle", message)
    if len(owners := {cut.owner(part) for part in lab.parts()}) < FEWEST_SERVICES:
        message = (
            f"You have {len(owners)} service(s). The fewer there are, the fewer calls: one alone has none, and is the "
            "monolith. Which abilities of the shop change for different reasons?"
        )
        return wrong("uncut", message)
    return _in_force(lab, cut) or passed(
        "With your borders in force the running monolith took an order, showed it and changed a product, and no part reached "
        "for a table of another. Replayed over your cut, an order has fewer calls between services than by layer or by noun."
    )


def _in_force(lab: Lab, cut: Borders) -> Verdict | None:
    lab.record(borders=cut)
    try:
        served = requests(lab)
    finally:
        lab.record()
    for request in served:
        if request.status >= 500:
            last = request.steps[-1]
            trouble = watching.last_error(lab.system, MONOLITH) or "no error in the log"
            message = f"With your borders in force, {request.request} was answered with {request.status}. {trouble}."
            return wrong("trespass", message, _story([last], cut.owner))
    order = next(request for request in served if request.request == ORDER)
    for name in OTHERS:
        other = lab.cut(name).owner
        for measure, words, least in MEASURES[name]:
            mine, theirs = measure(order.steps, cut.owner), measure(order.steps, other)
            if mine > theirs - least:
                (one, two), often = next(iter(cutting.pairs(order.steps, cut.owner).items()))
                message = (
                    f"One order has {mine} {words} in your cut, {name.replace('_', ' ')} has {theirs}. Most of all {one} calls "
                    f"{two}: {often} times for one order. What talks so much may belong together."
                )
                between = [s for s in order.steps if (cut.owner(s.caller), cut.owner(s.called)) == (one, two)]
                return wrong("torn", message, _story(between[:4], cut.owner))
    return None


def _idle(cut: Borders, parts: Iterable[str]) -> str:
    """The first pattern that decides nothing; empty if there is none."""
    known = list(parts)
    for name, patterns in cut.services.items():
        for pattern in patterns:
            alone = Borders({name: [pattern]})
            if not any(cut.owner(part) == name for part in known if part not in cutting.unowned(alone, [part])):
                return pattern
    return ""


@CHECKS.exercise(CROSSINGS, "cuts/crossings.py")
def crossings(lab: Lab, _answer: Any) -> Verdict:
    """Transactions that change something and have more than one service in them."""
    recorded = [request for request in requests(lab) if request.steps]
    owners: dict[str, Owner] = {name.replace("_", " "): lab.cut(name).owner for name in OTHERS}
    cases = [(request, cut, owner) for cut, owner in {**owners, "by module": _itself}.items() for request in recorded]
    said: list[Any] = []
    for request, _, owner in cases:
        try:
            said.append(lab.cut_file(CROSSINGS).crossings(request.steps, owner))
        except Exception as error:  # noqa: BLE001  as above
            return wrong("raises", f"For {request.request} your function raised {type(error).__name__}: {error}.")
    for (request, cut, owner), count in zip(cases, said, strict=True):
        if count != (right := cutting.crossings(request.steps, owner)):
            happened = (
                f"{request.request}, cut {cut}: {right} shared transactions change something; you count {count}. "
            )
            return _miscounted(happened, request, owner, cases, said, lab.cut_file(CROSSINGS).crossings)
    total = sum(cutting.crossings(request.steps, owners["by noun"]) for request in recorded)
    return passed(
        f"{len(recorded)} real requests, two cuts: your count is right for each; by noun they have {total} in all."
    )


def _itself(part: str) -> str:
    """The finest cut: each part is a service."""
    return part


Case = tuple[Request, str, Owner]


def _miscounted(
    happened: str, request: Request, owner: Owner, cases: Sequence[Case], said: Sequence[Any], count: Callable[..., Any]
) -> Verdict:
    """The mistake that explains all that was said, and the smallest transaction of the request that shows it."""
    alone = {
        n: [s for s in request.steps if s.transaction == n] for n in sorted({s.transaction for s in request.steps})
    }
    bad = {
        n: steps for n, steps in alone.items() if count(steps, owner) != (cutting.crossings(steps, owner) if n else 0)
    }
    smallest = min(bad.values(), key=len, default=list(request.steps))
    for name, (mistaken, meaning) in MISCOUNTS.items():
        if [mistaken(each.steps, whose) for each, _, whose in cases] == list(said):
            return wrong(name, happened + meaning, _story(smallest[:6], owner))
    message = "Below is the smallest transaction that you count wrongly."
    return wrong("miscounts", happened + message, _story(smallest[:6], owner))


@CHECKS.exercise(TEAMS, "cuts/teams.py")
def teams(lab: Lab, _answer: Any) -> Verdict:
    """The services whose people must meet for a change."""
    sources = lab.sources()
    changes: list[Change] = [
        *lab.cut_file("changes").CHANGES,
        {"what": "A parcel is insured", "names": ["ship", "charge"]},
    ]
    for name in OTHERS:
        owner = lab.cut(name).owner
        for change in changes:
            try:
                said = set(lab.cut_file(TEAMS).teams(change, sources, owner))
            except Exception as error:  # noqa: BLE001  as above
                return wrong("raises", f"For {change['what']!r} your function raised {type(error).__name__}: {error}.")
            if verdict := _wrong_teams(said, change, sources, owner):
                return verdict
    return passed(f"{len(changes)} changes, two cuts: you name who must meet for each, and nobody else.")


def _wrong_teams(said: set[str], change: Change, sources: Mapping[str, str], owner: Owner) -> Verdict | None:
    parts = cutting.touched(change, sources)
    right = {owner(part) for part in parts}
    if said == right:
        return None
    about = f"{change['what']} (in code: {', '.join(change['names'])}). "
    if said == parts:
        return wrong(
            "parts",
            f"{about}You name {len(said)} parts of the code. Who owns them? Two parts of one owner are one team.",
        )
    first = {owner(part) for part in cutting.touched({"names": change["names"][:1]}, sources)}
    if said == first:
        return wrong("first_name", f"{about}You looked for the first name only; a change may have several.")
    every = {owner(part) for part in sources if all(name in cutting.names(sources[part]) for name in change["names"])}
    if said == every:
        return wrong(
            "all_names", f"{about}You ask for parts that use all of the names. One is enough to have to edit it."
        )
    if extra := said - right:
        part = next((p for p in sources if owner(p) in extra and any(n in sources[p] for n in change["names"])), "")
        where = f"{part} has it in a longer word or in a comment" if part else "no part of theirs uses it"
        return wrong("uninvolved", f"{about}You invite {sorted(extra)[0]}, and {where}: there is nothing to edit.")
    part = min(p for p in parts if owner(p) in right - said)
    return wrong("forgotten", f"{about}{part} uses it, and belongs to {owner(part)}, which you did not name.")


def requests(lab: Lab) -> list[Request]:
    """What the monolith recorded of a customer who buys, looks and asks for too much, and of a clerk at work."""
    if not lab.fronted:
        lab.enter_by(MONOLITH)
    if not lab.system.configured(MONOLITH):
        lab.record()
    sku, before = f"tea-{uuid4().hex[:8]}", len(lab.recording())
    try:
        lab.shop.stock(sku, 5)
        lab.shop.stock(f"cup-{sku}", 5)
    except HTTPError:  # borders in force have refused it already
        return lab.recording(since=before)
    before = len(lab.recording())
    order = lab.shop.order((sku, 2), (f"cup-{sku}", 1))
    lab.shop.order((sku, 50))
    if order.ok:
        lab.shop.look(order.json()["id"])
    lab.shop.get(MONOLITH, f"/products/{sku}")
    lab.shop.send("PUT", MONOLITH, f"/products/{sku}", ADMINISTRATOR, json=PRODUCT)
    return lab.recording(since=before)


PRODUCT = {"name": "tea", "price": {"amount": 400, "currency": "EUR"}}


def _story(steps: Sequence[Step], owner: Owner) -> tuple[str, ...]:
    """Steps as a sequence between services; what is inside one is a note."""
    lines = []
    for step in steps:
        if step.caller == CUSTOMER:
            continue
        here, there = owner(step.caller), owner(step.called)
        said = f"{step.called.replace('db.', 'table ')} {step.what}, transaction {step.transaction or 'none'}"
        lines.append(f"Note over {here}: {said}" if here == there else f"{here}->>{there}: {said}")
    return tuple(lines)
