"""Lab 16, `cache`: what is remembered is not asked for again, and nothing is remembered for longer than it may be."""

import time
from typing import Any
from uuid import uuid4

from labs.classroom.checks.lab16_quotes import PRICE, SERVER_ERROR, asks, failing, offered, quoted
from labs.classroom.lab import Lab
from labs.classroom.slips import Slip
from labs.classroom.verdicts import Verdict, passed, wrong

SERVICE = "quotes-service"
NEW_PRICE = 990
TRIES = 4
"""A machine that is busy may take longer for a few requests than a price may be remembered; then it is tried anew."""
PATIENCE = 2.5
"""Ages, after which a price that is still remembered is remembered for too long; it takes one, and a request more."""


def cache(lab: Lab, _answer: Any) -> Verdict:
    """Memory first, then its end."""
    age = float(lab.system.configured(SERVICE).get("MAX_AGE", 1.0))
    if (trouble := _elsewhere(lab)) or (trouble := _of_the_unknown(lab)):
        return trouble
    for _ in range(TRIES):
        began = time.monotonic()
        verdict = _memory(lab)
        if verdict is None or time.monotonic() - began < age * 0.8:
            return verdict or _end(lab, age)
    raise Slip(f"Four requests took longer than {age:g} s, each time: this machine is too busy just now. Check again.")


def _elsewhere(lab: Lab) -> Verdict | None:
    """`by_batch` is what there is to ask with."""
    (tea,) = offered(lab, 1)
    if quoted(lab, "by_batch", tea).prices != {tea: PRICE}:
        return wrong("elsewhere", "by_batch does not find the price of a product. Solve `batch` first, then this.")
    return None


def _of_the_unknown(lab: Lab) -> Verdict | None:
    (tea,), nobody = offered(lab, 1), f"nobody-{uuid4().hex[:6]}"
    mixed = quoted(lab, "by_cache", tea, nobody)
    if mixed.status >= SERVER_ERROR:
        message = (
            f"One of two products is not in the catalogue, and the quote was answered with {mixed.status}. "
            "`lab logs quotes-api` says why. What by_batch does not find has no place in your answer either."
        )
        return wrong("raises", message, asks(mixed, f"{mixed.status}"))
    if mixed.prices != {tea: PRICE}:
        message = f"A product costs {PRICE} cents, another is not in the catalogue, and the quote says {mixed.prices}."
        return wrong("loses", message, asks(mixed, "not what inventory-service says"))
    return None


def _memory(lab: Lab) -> Verdict | None:
    """All of it well within the age of a price."""
    tea, cup, pot = offered(lab, 3)
    if failed := failing(quoted(lab, "by_cache", tea, cup)):
        return failed
    again = quoted(lab, "by_cache", tea, cup)
    if again.questions:
        message = "The same basket twice, one right after the other, and inventory-service was asked again."
        return wrong("no_memory", f"{message} Nothing was remembered.", asks(again, "had these prices a moment ago"))
    part = quoted(lab, "by_cache", cup)
    if part.questions:
        message = (
            "A basket of tea and cup was priced, then one with the cup alone, and inventory-service was asked for it again. "
            "What is remembered is the basket; it should be the price of each product: no two baskets are alike."
        )
        return wrong("per_basket", message, asks(part, "had this price a moment ago"))
    more = quoted(lab, "by_cache", tea, pot)
    if more.asked_for(tea):
        message = (
            "Of two products one was new, and inventory-service was asked for both. Ask for what is missing, and for nothing "
            "else: else one new product makes a basket of fifty a question about fifty."
        )
        return wrong("asks_all", message, asks(more, "knew one of the two"))
    if more.prices != {tea: PRICE, pot: PRICE}:
        message = f"A remembered product and a new one cost {PRICE} cents each, and the quote says {more.prices}."
        return wrong("loses", message, asks(more, "one of the two is missing"))
    return None


def _end(lab: Lab, age: float) -> Verdict:
    """A popular product, in one basket after the other, each with something in it that has to be asked for."""
    (tea,), nobody = offered(lab, 1), f"nobody-{uuid4().hex[:6]}"
    quoted(lab, "by_cache", tea)
    lab.shop.offer(tea, NEW_PRICE)
    changed = time.monotonic()
    while quoted(lab, "by_cache", tea, nobody).prices.get(tea) != NEW_PRICE:
        if time.monotonic() - changed > PATIENCE * age:
            return _too_long(lab, tea, age)
    return passed(
        f"What was remembered was not asked for again; of a new basket only what was new. A price that changed was old for "
        f"{age:g} s at most, however often it was quoted meanwhile."
    )


def _too_long(lab: Lab, tea: str, age: float) -> Verdict:
    """Is it forgotten when nobody asks for it?"""
    time.sleep(1.2 * age)  # an age is time, and nothing else makes a price old
    told = (
        "clerk->>inventory-service: tea costs 990 from now on",
        "customer->>quotes-service: GET /quotes, again and again",
        f"Note over quotes-service: after {PATIENCE * age:g} s still 350",
    )
    if quoted(lab, "by_cache", tea).prices.get(tea) != NEW_PRICE:
        message = (
            f"The price of a product changed, and {(PATIENCE + 1.2) * age:g} s later the quote still has the old one. A price "
            f"may be {age:g} s old (MAX_AGE). What is never forgotten is wrong one day, and stays wrong."
        )
        return wrong("forever", message, told)
    message = (
        f"The price of a product that is quoted all the time changed, and after {PATIENCE * age:g} s the quote still had the "
        "old one. It was forgotten only when nobody asked for a while: its age began anew with each quote. An age counts from "
        "when inventory-service said it."
    )
    return wrong("renews", message, told)
