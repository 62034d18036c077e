"""Lab 15: what a chain of two services does for customers when the payment provider is slow, broken, or says no."""

import time
from typing import Any

import requests

from labs.classroom import rushing
from labs.classroom.checks import lab15_breaker, lab15_retries
from labs.classroom.checks.lab15_asked import HEADER, Asked
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.classroom.watching import until

CHECKS = Checks()
CHECKOUT, TILL = "checkout-service", "till-service"
SLOW = 2.0
"""Seconds that payments takes longer: no customer of this check waits as long."""
LONGEST, SHORT = 0.5, 0.15
"""Seconds that a request may take by the lab's text; and that an impatient customer waits."""
EITHER = (LONGEST - SHORT) / 2
"""Seconds after the customer has left: who is later than that waited for something else."""
SOON = 0.3
"""Seconds after which a request that the till should not have got has come if it comes."""
BUSY = 0.6
"""Seconds that a busy machine may add to what is otherwise right."""
TRIES = 3
"""Of what can come out wrong on a busy machine: the best counts."""


@CHECKS.exercise("deadline", "checkout/asking.py")
def deadline(lab: Lab, _answer: Any) -> Verdict:
    """Nobody waits longer than whoever waits for them."""
    rushing.between(lab.system, CHECKOUT, "till")
    chain = Asked(lab, CHECKOUT)
    if failed := _refuses(chain):
        return failed
    with lab.faults.on("payments_slow", SLOW):
        failed = _endless(chain) or _impatient(lab, chain) or _trusting(chain)
    return (
        failed
        or _for_nobody(lab, chain)
        or passed(
            "With payments slow, a customer without a deadline, one with an hour and one in a hurry were all answered "
            "in time; the till stopped when its customer had gone, and was not asked for one who had gone before."
        )
    )


def _refuses(chain: Asked) -> Verdict | None:
    """While all is well."""
    customers: dict[str, dict[str, str]] = {
        "names no deadline": {},
        "waits for five seconds": {HEADER: str(time.time() + 5)},
    }
    for words, headers in customers.items():
        answers: list[requests.Response] = []
        while len(answers) < TRIES and not (answers and answers[-1].ok):
            answers.append(chain.buy(**headers))
        if trouble := chain.raised(answers[-1]):
            return trouble
        if not answers[-1].ok:
            message = (
                f"All is well, payments answers within a tenth of a second, and a customer who {words} is answered "
                f"with {answers[-1].status_code}: {chain.said(answers[-1])}. Does everybody take the header for what "
                "it is, the moment, and not the time that is left?"
            )
            return wrong("refuses", message, _hops("503", "all is well"))
    return None


def _endless(chain: Asked) -> Verdict | None:
    answer, seconds = chain.timed()
    if trouble := chain.raised(answer):
        return trouble
    if seconds > LONGEST + BUSY:
        message = (
            f"payments took {SLOW:g} s longer, and a customer who named no deadline was answered after {seconds:.1f} "
            f"s. That long a thread was gone. Without a word from the other side, {LONGEST:g} s is the longest."
        )
        return wrong("endless", message, _hops("after 2 s", f"nobody waits longer than {LONGEST:g} s"))
    return None


def _impatient(lab: Lab, chain: Asked) -> Verdict | None:
    """A customer in a hurry: how late checkout answers, and how late the till stops, the best of some."""
    late = longer = LONGEST
    for _ in range(TRIES):
        answer, *seconds = _hurry(lab, chain)
        if trouble := chain.raised(answer):
            return trouble
        late, longer = min(late, seconds[0]), min(longer, seconds[1])
        if max(late, longer) < EITHER:
            return None
    if late >= EITHER:
        message = (
            f"A customer said: I leave in {SHORT:g} s. payments was slow, and checkout answered {late:.2f} s after the "
            "customer had left. Their deadline is in the header, and it is earlier than our own."
        )
        return wrong("ignores", message, _hops("too late", "the customer has left"))
    message = (
        f"A customer said: I leave in {SHORT:g} s. checkout knew it, and gave up in time. The till did not, and worked "
        f"for {longer:.2f} s longer for nobody. It knows only what the request to it says."
    )
    return wrong("not_passed", message, _hops("in time", "the till still waits"))


def _hurry(lab: Lab, chain: Asked) -> tuple[requests.Response, float, float]:
    """The answer to a customer who leaves soon; the seconds from then until it came, and until the till was done."""
    sent = time.time()
    leaves = sent + SHORT
    answer, seconds = chain.timed(**{HEADER: str(leaves)})
    until(lambda: _till(lab, sent), SLOW + BUSY)
    done = max((ended for _, ended in _till(lab, sent)), default=leaves)
    return answer, seconds - SHORT, done - leaves


def _trusting(chain: Asked) -> Verdict | None:
    answer, seconds = chain.timed(**{HEADER: str(time.time() + 3600)})
    if trouble := chain.raised(answer):
        return trouble
    if seconds > LONGEST + BUSY:
        message = (
            f"A customer said: I wait for an hour. payments was slow, and their thread was gone for {seconds:.1f} s. "
            f"Eight such customers, and checkout has no thread left. Whatever they say, {LONGEST:g} s is the longest."
        )
        return wrong("trusts", message, _hops("after 2 s", "a stranger decides about our threads"))
    return None


def _for_nobody(lab: Lab, chain: Asked) -> Verdict | None:
    sent = time.time()
    answer = chain.buy(**{HEADER: str(sent - 1)})
    if trouble := chain.raised(answer):
        return trouble
    if until(lambda: _till(lab, sent), SOON):
        message = (
            "A request came whose customer had left a second before: it had stood in a queue. checkout asked the till "
            "all the same. Under load, that is how a system works at its limit, and for nobody."
        )
        return wrong("dead_work", message, _hops("a second ago", "nobody waits for this"))
    return None


def _till(lab: Lab, since: float) -> list[tuple[float, float]]:
    """From when to when the till was busy with requests that came later than that; one of a customer before may end later."""
    return [span for span in rushing.spans(lab.system, "till-api") if span[0] >= since]


def _hops(answered: str, note: str) -> tuple[str, ...]:
    return (
        "customer->>checkout: POST /charges",
        "checkout->>till: POST /charges",
        "till->>payments: POST /charges",
        f"checkout-->>customer: {answered}",
        f"Note over checkout,till: {note}",
    )


# --- asking again, and not asking -------------------------------------------------------------------------------------


@CHECKS.exercise("retries", "checkout/retries.py")
def retries(lab: Lab, _answer: Any) -> Verdict:
    """A second attempt where it helps, and no more of them than can be afforded."""
    rushing.between(lab.system, CHECKOUT, "till")
    return lab15_retries.judged(lab, Asked(lab, TILL))


@CHECKS.exercise("breaker", "checkout/breaker.py")
def breaker(lab: Lab, _answer: Any) -> Verdict:
    """Whoever failed five times in a row is left alone for a while."""
    rushing.between(lab.system, CHECKOUT, "till")
    return lab15_breaker.judged(lab, Asked(lab, TILL))
