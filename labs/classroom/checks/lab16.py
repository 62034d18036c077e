"""Lab 16: what the learner's quotes-service asks for the prices of a basket, and whether they are right."""

from typing import Any
from uuid import uuid4

from labs.classroom.checks import lab16_cache, lab16_copy
from labs.classroom.checks.lab16_quotes import SERVER_ERROR, Quote, asks, offered, quoted
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Checks, Verdict, passed, wrong

CHECKS = Checks()
LARGE = 120
"""Products in a basket that is too large for one question: inventory-service takes 100."""


@CHECKS.exercise("batch", "quotes/by_batch.py")
def batch(lab: Lab, _answer: Any) -> Verdict:
    """As few questions as there can be, and all prices."""
    skus = offered(lab, 10)
    few = quoted(lab, "by_batch", *skus)
    if few.status >= SERVER_ERROR:
        return wrong(
            "raises", f"A quote for 10 products was answered with {few.status}. `lab logs quotes-api` says why."
        )
    if missing := [sku for sku in skus if sku not in few.prices]:
        message = f"Of 10 products, all in the catalogue, {len(missing)} have no price in the quote."
        return wrong("loses", message, asks(few, f"{len(missing)} prices are missing"))
    if len(few.questions) == len(skus):
        message = (
            "A quote for 10 products asked inventory-service 10 times: one round trip for each, as before. One question may "
            "name up to 100 products: /prices?sku=tea&sku=cup."
        )
        return wrong("one_by_one", message, asks(few, "10 round trips"))
    if len(few.questions) > 1:
        return _too_many(few, len(skus), 1)
    return _of_the_unknown(lab, skus) or _of_many(lab, skus)


def _of_the_unknown(lab: Lab, skus: list[str]) -> Verdict | None:
    nobody = f"nobody-{uuid4().hex[:6]}"
    mixed = quoted(lab, "by_batch", skus[0], nobody, skus[1])
    if mixed.status >= SERVER_ERROR:
        message = (
            f"One of three products is not in the catalogue, and the quote was answered with {mixed.status}: the other two "
            "have a price. /prices leaves unknown products out of `items`."
        )
        return wrong("raises", message, asks(mixed, f"{mixed.status} for all three"))
    if set(mixed.prices) != {skus[0], skus[1]}:
        message = f"Of three products two have a price, and the quote has prices for {len(mixed.prices)}."
        return wrong("loses", message, asks(mixed, f"{len(mixed.prices)} prices"))
    return None


def _of_many(lab: Lab, skus: list[str]) -> Verdict:
    mark = uuid4().hex[:4]
    unknown = [f"no-{mark}-{number}" for number in range(LARGE - 2)]
    many = quoted(lab, "by_batch", skus[0], *unknown, skus[1])
    if many.status >= SERVER_ERROR:
        message = (
            f"A basket of {LARGE} products was answered with {many.status}. inventory-service takes 100 in one question, and "
            f"refuses {LARGE}: nobody may ask it for everything at once. Ask twice."
        )
        return wrong("too_large", message, asks(many, f"{many.status}"))
    if skus[1] not in many.prices:
        message = (
            f"The last product of a basket of {LARGE} has no price, and it is in the catalogue: what is beyond the hundredth "
            "was not asked for."
        )
        return wrong("first_hundred", message, asks(many, "the last one is missing"))
    if len(many.questions) > 2:
        return _too_many(many, LARGE, 2)
    return passed(
        f"10 products in one question, {LARGE} in two; an unknown one costs the others nothing. The number of round trips "
        "does not grow with the basket any more."
    )


def _too_many(quote: Quote, items: int, enough: int) -> Verdict:
    message = (
        f"{items} products took {len(quote.questions)} questions, and {enough} would do: each may name up to 100. "
        "Small batches are a smaller slope, and still a slope."
    )
    return wrong("small_batches", message, asks(quote, f"{len(quote.questions)} round trips"))


CHECKS.exercise("cache", "quotes/by_cache.py")(lab16_cache.cache)
CHECKS.exercise("copy", "quotes/by_copy.py")(lab16_copy.copy)
