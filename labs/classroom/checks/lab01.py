"""Lab 01: a load profile at a shop that stands still, a line shipped, a report that leaves the checkout alone."""

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psutil
import requests

from labs.classroom import watching
from labs.classroom.checks.lab01_report import cost_of_the_first, numbers
from labs.classroom.crowd import Crowd, Visit
from labs.classroom.lab import Lab
from labs.classroom.people import ADMINISTRATOR
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.classroom.visited import MONOLITH

CHECKS = Checks()
RATE, FIRST = 20, 200
"""Customers a second, and how many of them are looked at."""
WELL, STANDSTILL = 10, 1.0
"""So many customers come while all is well; then the monolith stands still for so many seconds."""
FEW_HANDS = 4
"""Requests under way at once while it is: the customers behind them wait in line."""
MANY_ORDERS = 12_000
DEAR = 0.6
"""A report that costs this share of what the first one cost is no mend; counted in SQL it is a fifth of it."""
EXACT = 1e-6
MEANING = {
    "omits": "You count from the moment the request was sent. Until then the customer had waited already.",
    "line_only": "You count the time in the line, and not the time that the shop took.",
    "moment": "That is the moment at which the answer came, not how long it took.",
    "measures_else": "A wait begins when the customer is there, and ends with the answer.",
}


@CHECKS.exercise("profile", "customers/profile.py")
def profile(lab: Lab, _answer: Any) -> Verdict:
    """An open loop, and a wait that begins when the customer is there."""
    _at_the_door(lab)
    try:
        made = lab.profile()
        first = list(itertools.islice(made.visits(RATE), FIRST))
        moments, kinds = [float(due) for due, _ in first], Counter(what for _, what in first)
    except Exception as error:  # noqa: BLE001  whatever a learner's code raises is the verdict
        return wrong(
            "raises", f"Asked for its first {FIRST} visits, your profile raised {type(error).__name__}: {error}."
        )
    return _pace(moments) or _errands(kinds) or _measure(lab, made)


def _at_the_door(lab: Lab) -> None:
    """Straight to the monolith, where nobody has said yet by which address one comes."""
    if not lab.fronted:
        lab.enter_by(MONOLITH)


def _pace(moments: list[float]) -> Verdict | None:
    if len(moments) < FIRST:
        message = f"After {len(moments)} customers nobody comes any more. A crowd comes until it is told to leave."
        return wrong("ends", message)
    last, meant = moments[-1], (FIRST - 1) / RATE
    if last == moments[0]:
        return wrong("burst", f"All {FIRST} customers come at the same moment: that is an attack, not {RATE} a second.")
    if not 0.8 * meant < last < 1.25 * meant or moments != sorted(moments):
        message = (
            f"At {RATE} a second the {FIRST}th customer comes after {meant:.2f} seconds; yours comes after {last:.2f}."
        )
        return wrong("pace", message)
    return None


def _errands(kinds: Counter[str]) -> Verdict | None:
    if strange := sorted(set(kinds) - {"look", "buy"}):
        return wrong("errand", f'Nobody knows what a customer does who comes to {strange[0]!r}. It is "look" or "buy".')
    share = kinds["buy"] / FIRST
    if not share:
        return wrong(
            "nobody_buys", f"Of {FIRST} customers none buys. A shop that only shows its catalogue looks very fast."
        )
    if not 0.2 <= share <= 0.3:
        return wrong("share", f"Of {FIRST} customers {kinds['buy']} buy. It should be one in four.")
    return None


def _measure(lab: Lab, made: Any) -> Verdict:
    lab.shop.stock("tea", 1000)
    crowd = Crowd(lab.shop, made.visits(RATE), FEW_HANDS)
    watching.until(lambda: crowd.came >= WELL)
    with standing_still(lab):
        watching.until(lambda: crowd.came >= WELL + RATE * STANDSTILL)
    seen = crowd.leave(after=0.3)
    worst = max(seen, key=lambda visit: visit.sent - visit.due)  # who stood longest in line
    try:
        said = float(made.waited(worst.due, worst.sent, worst.answered))
    except Exception as error:  # noqa: BLE001  as above
        message = f"Asked how long a customer waited, your profile raised {type(error).__name__}: {error}."
        return wrong("raises", message)
    truth = worst.answered - worst.due
    if abs(said - truth) > EXACT:
        mistakes = {
            "omits": truth - (worst.sent - worst.due),
            "line_only": worst.sent - worst.due,
            "moment": worst.answered,
        }
        name = next((name for name, value in mistakes.items() if abs(said - value) <= EXACT), "measures_else")
        happened = (
            f"For {STANDSTILL:g} s the monolith stood still. One customer waited {truth:.2f} s, and your measure says "
            f"{said:.2f}. {MEANING[name]}"
        )
        return wrong(name, happened, _story(worst, said))
    return passed(
        f"{RATE} customers a second, one in four buys. While the monolith stood still they went on coming, and each one's "
        "wait was counted from the moment at which it was there."
    )


@contextmanager
def standing_still(lab: Lab) -> Iterator[None]:
    """The monolith's processes are stopped, as by a debugger, while this lasts."""
    process = psutil.Process(lab.system.pid(MONOLITH))
    family = [process, *process.children(recursive=True)]
    for member in family:
        member.suspend()
    try:
        yield
    finally:
        for member in family:
            member.resume()


def _story(visit: Visit, said: float) -> tuple[str, ...]:
    return (
        "participant C as customer",
        "participant L as line",
        "participant M as monolith",
        f"C->>L: there at {visit.due:.2f} s",
        f"L->>M: sent at {visit.sent:.2f} s",
        f"M-->>C: answered at {visit.answered:.2f} s",
        f"Note over C: waited {visit.answered - visit.due:.2f} s, counted as {said:.2f} s",
    )


@CHECKS.exercise("ship", "monolith/ranking.py")
def ship(lab: Lab, _answer: Any) -> Verdict:
    """The sales report has the product on top that brought most money."""
    _at_the_door(lab)
    pot, tea, cup, none = (f"{name}-{uuid4().hex[:8]}" for name in ("pot", "tea", "cup", "rug"))
    for sku, price, pieces in ((pot, 9000, 1), (tea, 350, 5), (cup, 600, 2)):
        lab.shop.offer(sku, price)
        lab.shop.stock(sku, 10)
        lab.shop.place((sku, pieces))
    lab.shop.offer(none, 100)
    lab.shop.place((none, 50))  # none is there: the order is rejected
    report = lab.shop.get(MONOLITH, "/reports/sales", ADMINISTRATOR)
    if report.status_code != 200:
        trouble = watching.last_error(lab.system, MONOLITH) or "no error in the log"
        return wrong("raises", f"Asked for the report, the monolith answered {report.status_code}: {trouble}.")
    names = {pot: "pot", tea: "tea", cup: "cup", none: "rug"}
    listed = [names[product["sku"]] for product in report.json()["products"] if product["sku"] in names]
    if len(listed) != len(names):
        message = f"Four products were ordered, and the report lists {', '.join(listed) or 'none of them'}. Rank, drop nothing."
        return wrong("drops", message)
    what = "1 pot for 90.00, 5 teas for 17.50, 2 cups for 12.00, and 50 rugs that were not there and brought nothing"
    orders = {
        "by_pieces": (["rug", "tea", "cup", "pot"], "That is by pieces ordered, as it was before."),
        "by_fulfilled": (["tea", "cup", "pot", "rug"], "That is by pieces that left the shop."),
        "worst_first": (["rug", "cup", "tea", "pot"], "That is the worst on top."),
        "by_price": (["pot", "cup", "tea", "rug"], "That is by the price of one piece."),
    }
    for name, (order, meaning) in orders.items():
        if listed == order:
            return wrong(name, f"Sold were {what}. Your report says {' > '.join(listed)}. {meaning}")
    if listed != ["pot", "tea", "cup", "rug"]:
        return wrong(
            "other_order", f"Sold were {what}. Your report says {' > '.join(listed)}, which is not by revenue."
        )
    return passed(f"Sold were {what}: the report says {' > '.join(listed)}. Your line is in production.")


def _asked(lab: Lab) -> tuple[requests.Response, float]:
    """The report, and the seconds of CPU time that it took the monolith."""
    before = lab.cpu(MONOLITH)
    report = lab.shop.get(MONOLITH, "/reports/sales", ADMINISTRATOR)
    return report, lab.cpu(MONOLITH) - before


@CHECKS.exercise("mend", "monolith/sales.py")
def mend(lab: Lab, _answer: Any) -> Verdict:
    """The same numbers for a fraction of the process's time."""
    _at_the_door(lab)
    tea, cup, rug = (f"{name}-{uuid4().hex[:8]}" for name in ("tea", "cup", "rug"))
    for sku in (tea, cup, rug):
        lab.shop.offer(sku)
    lab.shop.stock(tea, 10)
    lab.shop.stock(cup, 10)
    lab.shop.place((tea, 2), (cup, 3))
    lab.shop.place((rug, 7))  # none is there
    lab.remember_orders(MANY_ORDERS)
    report, cost = _asked(lab)
    if report.status_code != 200:
        trouble = watching.last_error(lab.system, MONOLITH) or "no error in the log"
        return wrong("raises", f"Asked for the report, the monolith answered {report.status_code}: {trouble}.")
    if verdict := numbers(lab, report.json(), {tea: "tea", cup: "cup", rug: "rug"}):
        return verdict
    first = cost_of_the_first(lab)  # of both the less of two: what else runs here makes CPU time dearer, at times
    cost, first = min(cost, _asked(lab)[1]), min(first, cost_of_the_first(lab))
    if cost > DEAR * first:
        return wrong(
            "still_dear",
            f"The numbers are right, and one report still costs {cost / first:.0%} of the CPU time that the first version "
            "takes for the same orders. Every order comes into Python; let the database count.",
            (
                "report->>database: all orders",
                "database-->>report: every single one",
                "Note over report: counts in Python",
            ),
        )
    return passed("The same numbers as counted order by order, and the process has its time for whoever wants to buy.")
