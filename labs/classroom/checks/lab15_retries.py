"""The second check of lab 15: a second attempt where it helps, and a budget for all of them together."""

import requests

from labs.classroom.checks.lab15_asked import Asked, declined, failing_by_turns, fine
from labs.classroom.lab import Lab
from labs.classroom.load import NO_ANSWER
from labs.classroom.verdicts import Verdict, passed, wrong

FULL = 12
"""Requests after which a budget of a tenth has something to spend, wherever it began."""
BUYERS, MOST = 16, 22
"""By turns every second request fails: what a budget leaves of the attempts, and what is no budget any more."""
AT_ONCE, SLOW = 4, 0.15
"""Customers at once while each charge takes so many seconds longer, 0.2 with payments' own: side by side all are served within
their half second, one after the other two at most."""
TRIES = 2
"""Of that; on a busy machine the better counts."""


def judged(lab: Lab, till: Asked) -> Verdict:
    """What the till does when payments fails it."""
    if set(fine(till, FULL).statuses()) == {NO_ANSWER}:
        message = (
            f"All is well, {FULL} customers came, and none of them got any answer. `with self.turn:` waits until whoever is "
            "inside has left it: does somebody inside call what wants to go in itself?"
        )
        return wrong("hangs", message, _exchange("nothing: it was not asked", "nothing, for ever"))
    refused, asked = declined(till)
    if trouble := till.raised(refused):
        return trouble
    if asked != 1 or refused.status_code != requests.codes.payment_required:
        message = (
            f"A card was declined. payments was asked {asked} times, and the customer was told {refused.status_code}. "
            "A no is an answer: it will be the same the next time, and the customer must hear it. Only Failed is worth "
            "another attempt."
        )
        return wrong("repeats_no", message, _exchange("402", "charge, again"))
    answers, asked = failing_by_turns(till, BUYERS)
    return (
        next(filter(None, map(till.raised, answers)), None)
        or _gives_up(answers)
        or _storm(asked)
        or _never_earns(till)
        or _in_turn(lab, till)
        or passed(
            "Every second request failed: the first customers were served by a second attempt; then the budget was "
            f"spent, and {BUYERS} customers came to no more than {MOST} requests. When all was well it filled again. A "
            "declined card was asked about once."
        )
    )


def _gives_up(answers: list[requests.Response]) -> Verdict | None:
    if all(answer.ok for answer in answers[:2]):
        return None
    message = (
        "Two customers, every second request to payments fails: one of the two was turned away with 503. A second "
        "attempt would have succeeded, and there was a budget for it."
    )
    return wrong("gives_up", message, _exchange("500", "nothing more"))


def _storm(asked: int) -> Verdict | None:
    if asked <= MOST:
        return None
    message = (
        f"Every second request to payments failed, {BUYERS} customers came, and payments got {asked} requests. A tenth "
        "more is what the budget allows; it is one for all requests of this process, and who finds it empty does not "
        "ask again."
    )
    return wrong("storm", message, _exchange("500", f"charge, again and again: {asked} for {BUYERS} customers"))


def _never_earns(till: Asked) -> Verdict | None:
    fine(till, FULL)
    answers, _ = failing_by_turns(till, 2)
    if trouble := next(filter(None, map(till.raised, answers)), None):
        return trouble
    if all(answer.ok for answer in answers):
        return None
    message = (
        f"The budget was spent; then {FULL} customers were served without any trouble, and earned a tenth each. The "
        "next failure was given up at once all the same: the budget does not fill again."
    )
    return wrong("never_earns", message, _exchange(f"201, {FULL} times, then 500", "nothing more"))


def _in_turn(lab: Lab, till: Asked) -> Verdict | None:
    served = 0
    for _ in range(TRIES):
        with lab.faults.on("payments_slow", SLOW):
            served = max(served, len(till.together(AT_ONCE, AT_ONCE).answered(requests.codes.created)))
        if served > AT_ONCE / 2:
            return None
    message = (
        f"{AT_ONCE} customers came at once, each charge took a fifth of a second, and {served} of them got it in time. The "
        "attempts were made one after the other: `with self.turn:` is for the budget, and not for the attempt."
    )
    return wrong(
        "in_turn", message, _exchange("201, a fifth of a second later", "the next charge, which has waited for it")
    )


def _exchange(answered: str, then: str) -> tuple[str, ...]:
    return ("till->>payments: charge", f"payments-->>till: {answered}", f"till->>payments: {then}")
