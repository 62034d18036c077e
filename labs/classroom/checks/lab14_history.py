"""Exercise `history` of lab 14: what no event tells any more is asked of the owner, page by page, and the seam does no harm."""

from typing import Any

from labs.classroom import neighbours, watching
from labs.classroom.checks.lab14_copy import points
from labs.classroom.checks.lab14_doors import NEIGHBOUR, POINTS, bought, reason
from labs.classroom.lab import Lab
from labs.classroom.people import ADMINISTRATOR
from labs.classroom.verdicts import Verdict, passed, wrong
from labs.infra.start_error import StartError

ORDERS, PAGE = 5, 4
"""Of a customer, and on a page: so it takes a second page to see all of them."""
PATIENCE = 10.0
"""Seconds that loyalty-service has to hear of these orders by its events; it takes one."""
KNOWN = "SELECT order_id FROM purchases WHERE customer_id = :id AND fulfilled AND amount IS NOT NULL"
FORGET = "DELETE FROM purchases WHERE customer_id = :id AND order_id <> :kept"


def judge(lab: Lab, _answer: Any) -> Verdict:
    """All fulfilled orders and no others, however many pages, and once each, whoever told of them before."""
    buyer, mine = bought(lab, ORDERS), lab.session(NEIGHBOUR)
    customer, newest = buyer["id"], buyer["orders"][-1]
    if not watching.until(lambda: len(mine.rows(KNOWN, id=customer)) == ORDERS, PATIENCE):
        return wrong(
            "elsewhere",
            f"{ORDERS} orders were fulfilled, and by its events loyalty-service knows "
            f"{len(mine.rows(KNOWN, id=customer))} of them. Solve `copy` first.",
        )
    mine.run(FORGET, id=customer, kept=newest)
    for attempt in ("once", "a second time"):
        try:
            run(lab)
        except StartError as error:
            return _failed(error, attempt)
        if verdict := _counted(points(lab, customer), attempt):
            return verdict
    return passed(
        f"{ORDERS} orders on more than one page, one of them told by events before: all are known, each once, and the "
        "rejected one is not. A second run changed nothing."
    )


def run(lab: Lab) -> None:
    """The learner's program, once, with small pages. Raises StartError if it fails."""
    clerk = lab.shop.people.headers(ADMINISTRATOR)["Authorization"]
    neighbours.task(lab.system, NEIGHBOUR, "history", ORDERS_API="http://order-api:8000", TOKEN=clerk, LIMIT=PAGE)


def _failed(error: StartError, attempt: str) -> Verdict:
    if "UniqueViolation" in str(error):
        return wrong(
            "trips",
            f"Run {attempt}, your program ended with {reason(error)}. An order that the events had told of was in a "
            "page, too: that is the seam, and both ways must lead to the same row.",
            ("order-service->>loyalty-service: order_paid, order_fulfilled",
             "loyalty-service->>order-service: GET /orders, the same order is in it",
             "Note over loyalty-service: the row is there already"),
        )  # fmt: skip
    return wrong("raises", f"Run {attempt}, your program ended with {reason(error)}.")


def _counted(now: int, attempt: str) -> Verdict | None:
    """Of a customer with ORDERS fulfilled orders and a rejected one, of which the newest was known before."""
    if now == ORDERS * POINTS:
        return None
    asked = "loyalty-service->>order-service: GET /orders"
    if now == POINTS:
        return wrong(
            "empty",
            "Your program came to its end, and loyalty-service knows no order more than before. Is what you write "
            "written with a transaction that is committed?",
            (asked, "Note over loyalty-service: purchases as before"),
        )
    if now < ORDERS * POINTS:
        return wrong(
            "first_page",
            f"A customer has {ORDERS} fulfilled orders, a page had {PAGE}, and {now // POINTS} are known. What does "
            "`next` say?",
            (
                asked,
                f"order-service-->>loyalty-service: {PAGE} orders, next: …",
                "Note over loyalty-service: and that was it",
            ),
        )
    if now == (ORDERS + 1) * POINTS:
        return wrong(
            "unfinished",
            f"A customer has {ORDERS} fulfilled orders and one that was rejected, since the card was declined, and "
            f"gets points for {ORDERS + 1}. Not every order in the list was fulfilled.",
            (
                asked,
                "order-service-->>loyalty-service: …, status: rejected",
                f"Note over loyalty-service: {now} points",
            ),
        )
    return wrong(
        "doubles",
        f"A customer has {ORDERS} fulfilled orders, {ORDERS * POINTS} points. Your program was run {attempt}, and now "
        f"it is {now} points: an order that was known already was added to itself. At a seam one sets, and does not "
        "add.",
        ("order-service->>loyalty-service: order_paid 10.50 €", asked, f"Note over loyalty-service: {now} points"),
    )
