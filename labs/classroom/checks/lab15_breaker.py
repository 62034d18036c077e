"""The third check of lab 15: a breaker that opens, rests, tries once, and closes."""

import time

from labs.classroom.checks.lab15_asked import HEADER, Asked, failing, failing_by_turns
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Verdict, passed, wrong
from labs.classroom.watching import until

REST = 0.5
"""Seconds that a breaker rests, by the lab's text."""
A_BIT = 1.2
"""Times the rest, after which it is surely over."""
BY_TURNS, DECLINED, FAILED, RUSH, AFTER = 14, 6, 12, 8, 5
"""Customers: with every second request failing; with declined cards; with every request failing; at once; after a trial."""
OPENED = 9
"""Requests at most until it is open: five failures in a row, and some on a busy machine that were trials."""
TRIALS = 2
"""At most where one is right: on a busy machine a second rest may have passed."""
SLOW = 0.3
"""Seconds that a trial takes: long enough for others to come."""
BACK_WITHIN = 5.0


def judged(lab: Lab, till: Asked) -> Verdict:
    """What the till's breaker does for payments."""
    return (
        _closed(till)
        or _hasty(till)
        or _counts_no(till)
        or _opens(till)
        or _tries_once(till)
        or _stampede(lab, till)
        or _stuck(till)
        or passed(
            "Failures between successes and declined cards left it closed; five in a row opened it, and payments was "
            "left alone. After the rest one request went through, with eight customers waiting; when that failed it "
            "rested again, and when one succeeded it closed."
        )
    )


def _closed(till: Asked) -> Verdict | None:
    """All is well again: customers are served, after a rest at most."""
    answer = till.buy()

    def served() -> bool:
        nonlocal answer
        answer = till.buy()
        return answer.ok

    if answer.ok or until(served, BACK_WITHIN):
        return None
    if trouble := till.raised(answer):
        return trouble
    message = (
        f"payments is well, and after {BACK_WITHIN:g} s, ten rests, customers are still told 503: {till.said(answer)}. "
        "An open breaker must try now and then, and what succeeds closes it."
    )
    return wrong("never_closes", message, _story("503, for ever", "payments is well"))


def _hasty(till: Asked) -> Verdict | None:
    answers, asked = failing_by_turns(till, BY_TURNS)
    if trouble := next(filter(None, map(till.raised, answers)), None):
        return trouble
    if asked >= BY_TURNS:
        return None
    message = (
        f"Every second request to payments failed, never two in a row, and after {asked} of them nobody was let "
        f"through any more: {BY_TURNS} customers had come. Whatever succeeds between two failures begins the count anew."
    )
    return wrong("hasty", message, _story("500, 201, 500, 201 …", "open, and half of it would have worked"))


def _counts_no(till: Asked) -> Verdict | None:
    for _ in range(DECLINED):
        refused = till.buy("card-declined")
    answer = till.buy()
    if trouble := till.raised(answer) or till.raised(refused):
        return trouble
    if answer.ok:
        return None
    message = (
        f"{DECLINED} customers with declined cards came, and the next one, with a good card, was told "
        f"{answer.status_code}. A 402 is a good answer: payments is well. Only Failed counts."
    )
    return wrong("counts_no", message, _story("402, six times", "open, because of six poor customers"))


def _opens(till: Asked) -> Verdict | None:
    answer, asked = failing(till, FAILED)
    if trouble := till.raised(answer):
        return trouble
    if asked <= OPENED:
        return None
    message = (
        f"Every request to payments failed. {FAILED} customers came one after the other, and payments was asked "
        f"{asked} times: after five failures in a row nobody should be."
    )
    return wrong("never_opens", message, _story("500, every time", "and it is asked again"))


def _tries_once(till: Asked) -> Verdict | None:
    """The first after a rest goes through, and fails; the others do not."""
    time.sleep(REST * A_BIT)  # a rest is nothing but time
    answer, asked = failing(till, AFTER)
    if trouble := till.raised(answer):
        return trouble
    if not asked:
        message = (
            f"The breaker was open for {REST * A_BIT:g} s, its rest was over, {AFTER} customers came, and none was let "
            "through. So it can never learn that payments is well again."
        )
        return wrong("never_tries", message, _story("nothing: it was not asked", "open for ever"))
    if asked > TRIALS:
        message = (
            f"The rest was over, payments was still broken, and of {AFTER} customers one after the other {asked} were "
            "let through. The first of them was the trial; it failed, and that is reason enough to rest again."
        )
        return wrong("lenient", message, _story("500, five times more", "one would have said it"))
    return None


def _stampede(lab: Lab, till: Asked) -> Verdict | None:
    time.sleep(REST * A_BIT)
    with lab.faults.on("payments_slow", SLOW) as trouble, lab.faults.on("payments_500"):
        till.together(RUSH, RUSH)
    if trouble.met <= TRIALS:
        return None
    message = (
        f"The rest was over, {RUSH} customers came at once, and {trouble.met} requests went to a payments that had "
        "just failed. While one trial is under way the others must be told no: it is on its knees, and they are a rush."
    )
    return wrong("stampede", message, _story(f"{trouble.met} at once", "one trial is enough"))


def _stuck(till: Asked) -> Verdict | None:
    """The trial is a request whose customer has left: it comes to nothing, and says nothing of payments."""
    time.sleep(REST * A_BIT)
    till.buy(**{HEADER: str(time.time() - 1)})
    if until(lambda: till.buy().ok, BACK_WITHIN):
        return None
    message = (
        "payments was well again and the rest was over. The request that came first was the trial, and its customer had "
        f"left already: GaveUp, payments was not asked. For {BACK_WITHIN:g} s since then nobody was let through. Whatever "
        "comes of a trial, it is over then."
    )
    return wrong("stuck", message, _story("nothing: the trial gave up before", "waits for the end of a trial"))


def _story(answered: str, note: str) -> tuple[str, ...]:
    return (
        "customer->>till: POST /charges",
        "till->>payments: POST /charges",
        f"payments-->>till: {answered}",
        f"Note over till: {note}",
    )
