"""Lab 03: what the learner's inventory-service answers to customers, clerks and order-service."""

from typing import Any
from uuid import uuid4

import requests

from labs.classroom import watching
from labs.classroom.checks import lab03_health
from labs.classroom.checks.lab03_answers import Seen, about_crash, about_mistake
from labs.classroom.lab import Lab
from labs.classroom.load import NO_ANSWER, Request, closed_loop
from labs.classroom.outages import database_away
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.infra.logging import files

CHECKS = Checks()
SERVICE, PROCESS = "inventory-service", "inventory-api"
BUYERS, PIECES = 120, 60
PRICE = {"tea": 350, "cup": 900}
STRANGE = ("x' OR '1'='1", "x') OR ('1'='1", 'x") OR ("1"="1', 'x" OR "1"="1')
"""SKUs that are none. In a query that is put together from text each of them becomes a part of it, with some sort of quotes."""


@CHECKS.exercise("prices", "inventory/prices.py")
def prices(lab: Lab, _answer: Any) -> Verdict:
    """Those that were asked for, in one answer, and what is unknown."""
    tea, cup, pot = (f"{name}-{uuid4().hex[:8]}" for name in ("tea", "cup", "pot"))
    for sku, price in ((tea, PRICE["tea"]), (cup, PRICE["cup"]), (pot, 1)):
        lab.shop.offer(sku, price)
    status, told = _prices(lab, tea, cup)
    if status != requests.codes.ok:
        return wrong(
            "raises", f"GET /prices?sku=tea&sku=cup was answered with {status}. `lab logs {PROCESS}` says why."
        )
    items = told.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return wrong("incomplete", f"The answer has no list `items`; it has {sorted(told)}.")
    if missing := sorted({"sku", "amount", "currency", "version"} - (items[0].keys() if items else set())):
        if not items:
            return wrong("nothing", "Two products were asked for that are in the catalogue, and `items` is empty.")
        return wrong("incomplete", f"Each item lacks {', '.join(missing)}: order-service cannot make a price of it.")
    found = {item["sku"]: item["amount"] for item in items}
    if set(found) < {tea, cup}:
        message = (
            f"Two products were asked for in one request, and {len(found)} was answered: one name, several values."
        )
        return wrong("first_only", message, _asks("GET /prices?sku=tea&sku=cup", "the price of one"))
    if set(found) != {tea, cup}:
        return wrong("too_much", f"Two products were asked for, and {len(found)} came: the whole catalogue, each time.")
    return _of_the_unknown(lab, tea, cup) or _of_strangers(lab) or _of_an_order(lab, tea, cup)


def _of_the_unknown(lab: Lab, tea: str, cup: str) -> Verdict | None:
    nobody = f"nobody-{uuid4().hex[:8]}"
    status, told = _prices(lab, tea, nobody, cup)
    if status != requests.codes.ok or len(told.get("items", ())) != 2:
        message = (
            f"Of three products one is unknown, and the answer was {status} with {len(told.get('items', ()))} prices. "
            "The other two were asked for as well."
        )
        return wrong("all_or_nothing", message, _asks("GET /prices?sku=tea&sku=nobody&sku=cup", f"{status}"))
    if told.get("unknown") != [nobody]:
        message = f"One of three products is unknown, and `unknown` is {told.get('unknown', 'not there')!s:.40}."
        return wrong("unsaid", f"{message} Who asked cannot tell it from one that was forgotten.")
    return None


def _of_strangers(lab: Lab) -> Verdict | None:
    for sku in STRANGE:
        status, told = _prices(lab, sku)
        if status >= requests.codes.server_error or told.get("items"):
            got = f"{len(told.get('items', ()))} prices" if told.get("items") else f"a {status}"
            message = (
                f"Somebody asked for the SKU {sku} and got {got}: a part of the SKU became a part of the query. Next time it "
                "may be one that deletes. Values go in the place of question marks."
            )
            return wrong("injected", message, _asks(f"GET /prices, sku is {sku}", got))
    return None


def _of_an_order(lab: Lab, tea: str, cup: str) -> Verdict:
    answer = lab.shop.order((tea, 2), (cup, 1))
    total = answer.json().get("total", {}).get("amount")
    if total != 2 * PRICE["tea"] + PRICE["cup"]:
        message = f"An order for 2 teas and 1 cup was answered with {answer.status_code} and comes to {total} cents."
        return wrong("unusable", f"{message} order-service could not use your answer.")
    return passed(
        "Two products, one answer; an unknown one is said to be unknown; strange names stay names. A real order "
        "of order-service came to the right sum."
    )


@CHECKS.exercise("stock", "inventory/stock.py")
def stock(lab: Lab, _answer: Any) -> Verdict:
    """Never more than there is, and the last piece too."""
    tea = f"tea-{uuid4().hex[:8]}"
    lab.shop.offer(tea)
    for moved, expected, there in ((20, 201, 20), (-5, 201, 15), (-15, 201, 0), (-1, 409, 0)):
        status = _move(lab, tea, moved)
        left = lab.shop.available(tea)
        if failed := _moved_wrongly(moved, status, left, expected, there):
            return failed
    return _rush(lab) or passed(
        f"20 came, 5 and 15 went, the 21st was refused. Then {BUYERS} buyers at once for {PIECES} pieces: {PIECES} were sold."
    )


def _moved_wrongly(moved: int, status: int, left: int, expected: int, there: int) -> Verdict | None:
    """About pieces that one clerk or buyer moved alone: `left` are there, and it should be `there`."""
    if status >= requests.codes.server_error:
        what = "more than there was (that is a 409)" if expected == requests.codes.conflict else f"{moved:+} pieces"
        message = f"Somebody moved {what} and got a {status}: 'I am broken'. `lab logs {PROCESS}` says what broke."
        return wrong("raises", message, _buys(f"POST /stock, quantity {moved}", str(status)))
    if expected == requests.codes.conflict and status != expected:
        message = f"The shelf was empty, a buyer asked for one piece and was told {status}. There is none to send."
        return wrong("oversells", message, _buys("POST /stock, quantity -1, with 0 there", str(status)))
    if status == requests.codes.conflict and expected != status:
        message = (
            f"{-moved} pieces were there, a buyer asked for {-moved} and was refused. The last one is for sale too."
        )
        return wrong("refuses_last", message, _buys(f"POST /stock, quantity {moved}, with {-moved} there", "409"))
    if left == there - moved and left != there:
        message = (
            f"{moved:+} pieces were answered with {status}, and the shelf has {left} as before: nothing was written."
        )
        return wrong("not_kept", message, _buys(f"POST /stock, quantity {moved}", f"{status}, and {left} are there"))
    if left != there:
        message = (
            f"There were {there - moved}, and {moved:+} were moved: {there} should be there. The shelf has {left}."
        )
        return wrong("miscounted", message)
    return None


def _rush(lab: Lab) -> Verdict | None:
    sku = f"rush-{uuid4().hex[:8]}"
    lab.shop.stock(sku, PIECES)
    buy = Request("POST", lab.shop.url(SERVICE, "/stock"), {"sku": sku, "quantity": -1})
    told = closed_loop([buy] * BUYERS, clients=BUYERS, seconds=60, timeout=60).statuses()
    sold, left = told[201], lab.shop.available(sku)
    if sold > PIECES:
        message = (
            f"{BUYERS} buyers came at once for {PIECES} pieces, and {sold} were told that they have one. Two looked at the "
            "same moment and saw the same piece."
        )
        story = (
            "buyer A->>inventory-service: how many? 1",
            "buyer B->>inventory-service: how many? 1",
            "inventory-service->>buyer A: sold",
            "inventory-service->>buyer B: sold",
            f"Note over inventory-service: {sold} of {PIECES} pieces sold",
        )
        return wrong("race", message, story)
    if broken := sum(count for status, count in told.items() if status >= 500 or status == NO_ANSWER):
        message = (
            f"{BUYERS} buyers came at once, and {broken} of them got no answer or a 5xx. Alone each would have got one."
        )
        return wrong("raises", message, _buys("POST /stock, many at once", "5xx"))
    if (sold, left) != (PIECES, 0):
        message = f"{BUYERS} buyers came at once for {PIECES} pieces: {sold} were sold, {left} are on the shelf."
        return wrong("miscounted", message)
    return None


@CHECKS.exercise("problems", "inventory/problems.py")
def problems(lab: Lab, _answer: Any) -> Verdict:
    """Every error is a problem of RFC 9457, and a crash tells only the log what happened."""
    tea = f"tea-{uuid4().hex[:8]}"
    lab.shop.offer(tea)
    mistakes: tuple[tuple[str, str, str, dict[str, Any], int], ...] = (
        ("an address that does not exist", "GET", f"/nowhere-{tea}", {}, 404),
        ("a product that does not exist", "GET", f"/products/no-{tea}", {}, 404),
        ("a DELETE that does not exist", "DELETE", "/stock", {}, 405),
        ("more pieces than there are", "POST", "/stock", {"json": {"sku": tea, "quantity": -9}}, 409),
        ("a word in the place of a number", "POST", "/stock", {"json": {"sku": tea, "quantity": "two"}}, 422),
    )
    for what, method, path, body, expected in mistakes:
        if failed := about_mistake(Seen.of(lab.shop.send(method, SERVICE, path, **body)), what, expected):
            return failed
    mark = files.mark(lab.system.log(PROCESS))
    with database_away(lab.system, "inventory"):
        crash = Seen.of(lab.shop.get(SERVICE, f"/stock/{tea}"))
    logged = watching.until(lambda: "Traceback" in files.text(lab.system.log(PROCESS), mark), 2.0)
    return about_crash(crash, bool(logged)) or passed(
        "Five mistakes and a crash: each answer is application/problem+json with its own status. What crashed is in the log "
        "only."
    )


@CHECKS.exercise("health", "inventory/health.py")
def health(lab: Lab, _answer: Any) -> Verdict:
    """The three questions while the database comes and goes, and after kill -9."""
    return lab03_health.judge(lab)


def _prices(lab: Lab, *skus: str) -> tuple[int, dict[str, Any]]:
    """Status and body; the body is empty if it is no JSON object."""
    answer = lab.shop.get(SERVICE, "/prices", params={"sku": list(skus)})
    try:
        told = answer.json()
    except ValueError:
        told = None
    return answer.status_code, told if isinstance(told, dict) else {}


def _move(lab: Lab, sku: str, quantity: int) -> int:
    return lab.shop.post(SERVICE, "/stock", {"sku": sku, "quantity": quantity}).status_code


def _asks(question: str, answer: str) -> tuple[str, ...]:
    return (f"order-service->>inventory-service: {question}", f"inventory-service-->>order-service: {answer}")


def _buys(question: str, answer: str) -> tuple[str, ...]:
    return (f"buyer->>inventory-service: {question}", f"inventory-service-->>buyer: {answer}")
