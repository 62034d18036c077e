"""Lab 00: the first change to a running service."""

from typing import Any

from labs.classroom.lab import Lab
from labs.classroom.verdicts import Checks, Verdict, passed, wrong

CHECKS = Checks()


@CHECKS.exercise("limit", "order/limits.py")
def limit(lab: Lab, _answer: Any) -> Verdict:
    """At most 10 pieces of a product in one order line."""
    lab.shop.offer("tea")
    answers = {quantity: lab.shop.order(("tea", quantity)).status_code for quantity in (1, 9, 10, 11, 1_000)}
    if answers[1] == 422:
        return wrong("closed", "An order for a single piece was refused (422): nobody can buy anything any more.")
    if answers[10] == 422:
        return wrong(
            "too_strict", "An order for 10 pieces was refused (422). 10 is still allowed: the limit is one too low."
        )
    if answers[1_000] == 202:
        return wrong("unlimited", "An order for 1000 pieces was accepted (202): order-service knows no limit of 10.")
    if answers[11] == 202:
        return wrong("too_generous", "An order for 11 pieces was accepted (202). The first quantity to refuse is 11.")
    return passed("Orders for 1, 9 and 10 pieces were accepted (202), those for 11 and 1000 refused (422).")
