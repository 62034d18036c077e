"""Lab 10: what the learner's services write into the logs of a shop at work, and what they must not."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from labs.classroom import watching
from labs.classroom.lab import Lab
from labs.classroom.shop import EMAIL
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.infra.logging import files
from labs.infra.logging.asking import Logs

CHECKS = Checks()
PATIENCE = 10.0
"""Seconds after which a line that has not come counts as never written; it takes half of one."""
SETTLED_WITHIN = 40.0
"""Seconds for an order to go its way; it takes one, and much longer on a machine that has too much to do."""
FAILED_OFTEN = 3
"""Attempts at one step of an order after which nobody need wait for the next."""
OURS = ("labs.services.", "nameko.", "__main__")
"""Loggers of the chassis, whose lines are in the same file."""
PRICE = 1250
CARD = "4000 1234 5678 9017"


@CHECKS.exercise("line", "loyalty/worker.py")
def line(lab: Lab, _answer: Any) -> Verdict:
    """An order that is paid for leaves one line that can be asked."""
    tea, correlation = f"tea-{uuid4().hex[:8]}", f"check-{uuid4().hex}"
    lab.shop.offer(tea, PRICE)
    lab.shop.stock(tea, 1)
    own = _Own(lab, "loyalty-worker")
    order = _place(lab, tea, correlation)
    lab.shop.wait([order], SETTLED_WITHIN)
    paid = watching.until(lambda: _heard(lab, "loyalty-worker", order), PATIENCE)
    if trouble := watching.last_error(lab.system, "loyalty-worker"):
        return wrong(
            "raises", f"An order was paid for, and your handler raised {trouble}. Its customer gets no points."
        )
    if not paid:
        return wrong("deaf", "An order was paid for, and loyalty-service never heard of it.")
    said = watching.until(own.said, PATIENCE)
    if not said:
        return wrong("silent", "An order was paid for, its points were given, and the log says nothing. Is it printed?")
    return _judge_line(said, order, correlation)


def _judge_line(said: list[str], order: str, correlation: str) -> Verdict:
    if len(said) > 1 and _json("\n".join(said)):
        message = f"One event became {len(said)} lines. Whoever reads line by line sees {len(said)} pieces of rubbish."
        return wrong("many_lines", message)
    told = _json(said[0])
    if not told:
        return wrong(
            "text", f"Your line is text and no JSON object, so it is in `other` and has no columns: {said[0]!r}"
        )
    moment = _moment(told.get("@timestamp"))
    if moment is None:
        return wrong("no_time", "Your line does not say when: it has no @timestamp in ISO 8601, and belongs nowhere.")
    if moment.tzinfo is None:
        message = f"@timestamp is {told['@timestamp']}, without a time zone. Another reader's noon is another moment."
        return wrong("no_zone", message)
    if (name := _field(told, "service.name")) != "loyalty-service":
        return wrong("nobody", f"The line says that {name or 'nobody'} wrote it; service.name is loyalty-service.")
    labels: dict[str, Any] = told["labels"] if isinstance(told.get("labels"), dict) else {}
    if not _field(told, "log.level"):
        return wrong("no_level", "Your line has no log.level: nobody can ask for errors and leave the rest out.")
    if labels.get("correlation_id") != correlation:
        seen = labels.get("correlation_id") or "nothing"
        message = f"A customer sent X-Correlation-ID: {correlation[:14]}…, and labels.correlation_id says {seen[:40]}."
        return wrong("no_thread", f"{message} Your line is not part of the order's story.")
    if order in str(told.get("message")) or str(PRICE // 100) in str(told.get("message")):
        message = f"message is {told['message']!r}: other words for each order, so that nobody can count them."
        return wrong("varies", message)
    if labels.get("order_id") != order or str(labels.get("points")) != str(PRICE // 100):
        message = f"labels are {sorted(labels)}: which order it was, or how many points it got, cannot be asked."
        return wrong("no_details", message)
    return passed("One order, one line of JSON: when, who, how grave, which story, which order, how many points.")


@CHECKS.exercise("carry", "order/provider.py")
def carry(lab: Lab, _answer: Any) -> Verdict:
    """Two orders, two ids, and the payment provider's lines carry the right one each."""
    tea = f"tea-{uuid4().hex[:8]}"
    lab.shop.offer(tea, PRICE)
    lab.shop.stock(tea, 2)
    wanted = {}
    for number in (1, 2):
        correlation = f"check-{number}-{uuid4().hex}"
        wanted[_place(lab, tea, correlation)] = correlation
    watching.until(lambda: all(_over(lab, order) for order in wanted), SETTLED_WITHIN)
    if stuck := [order for order in wanted if lab.shop.status(order) != "fulfilled"]:
        came_to, said = lab.shop.status(stuck[0]), _reasons(lab, stuck[0])
        message = (
            f"{len(stuck)} of 2 orders came no further than {came_to} ({said}). The thread must not cost the order."
        )
        return wrong("breaks", message)
    carried = {order: _charged_under(lab, order) for order in wanted}
    if carried == wanted:
        return passed("Two orders with ids of their own: each charge is in the story of its order.")
    seen = next(carried[order] for order in wanted if carried[order] != wanted[order])
    story = (
        "customer->>order-service: POST /orders (X-Correlation-ID: c-1)",
        "order-service->>outside: POST /payments/charges (X-Correlation-ID: …)",
    )
    if seen in wanted.values():
        message = "Both charges carry the id of one order. It was asked for once, and kept: ask each time."
        return wrong("stuck", message, (*story, "Note over outside: two orders in one story"))
    if seen in wanted:
        message = "The charge carries the order's id as its correlation id. All others call this story by another name."
        return wrong("order_id", message, (*story, "Note over outside: the order's own id"))
    message = (
        "The payment provider got no X-Correlation-ID, and began a story of its own. The order's has a hole there."
    )
    return wrong("lost", message, (*story, "Note over outside: an id that nobody else knows"))


@CHECKS.exercise("redact", "crm/worker.py")
def redact(lab: Lab, _answer: Any) -> Verdict:
    """Two customers: one with a device token, one who has typed a card number into the wrong field."""
    device, earlier = f"device-{uuid4().hex}", len(files.lines(lab.system.log("crm-worker")))
    plain = _register(lab, "A Customer", device_token=device, channels=["push"])
    careless = _register(lab, f"Card {CARD}", channels=["email"])
    heard = watching.until(lambda: all(_handled(lab, user) for user in (plain, careless)), PATIENCE)
    if trouble := watching.last_error(lab.system, "crm-worker"):
        return wrong(
            "raises", f"Somebody registered, and your handler raised {trouble}. crm-service does not know them."
        )
    if not heard:
        return wrong("deaf", "Two customers registered, and crm-service never heard of them.")
    said = files.lines(lab.system.log("crm-worker"))[earlier:]
    own = [each for each in said if not _chassis(each)]
    if any(device in each for each in own):
        return wrong("leaks", "A customer's device token is in the log. Whoever reads it can send them messages.")
    if any(CARD[5:] in each or CARD.replace(" ", "")[4:] in each for each in own):
        message = "A card number is in the log. It was typed into the field `name`, so only its look gives it away."
        return wrong("by_name_only", message)
    new = [each for each in own if plain in each]
    if any(_json(each) is None for each in own[-2:]):
        return wrong("torn", f"What is left is no JSON any more: {own[-1][-60:]!r}. Redact the values, not the text.")
    if not new:
        message = "No line says which customer it is about: user_id is gone, or the line is. That cannot help anybody."
        return wrong("blind", message)
    if "push" not in new[-1]:
        return wrong(
            "too_much", "user_id is there, and all else is stars. By which channels they want to be told is no secret."
        )
    return passed(
        "A device token and a card number in a field for names: both are stars. Who it was can still be read."
    )


class _Own:
    """The lines that a process writes from now on, without those of the chassis."""

    def __init__(self, lab: Lab, process: str) -> None:
        self._log = lab.system.log(process)
        self._mark = files.mark(self._log)

    def said(self) -> list[str]:
        return [each for each in files.text(self._log, self._mark).splitlines() if not _chassis(each)]


def _chassis(text: str) -> bool:
    told = _json(text)
    return bool(told and str(_field(told, "log.logger") or "").startswith(OURS))


def _json(text: str) -> dict[str, Any] | None:
    try:
        told = json.loads(text)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _field(told: Mapping[str, Any], name: str) -> Any:
    """By its dotted name, written either way."""
    first, _, second = name.partition(".")
    part = told.get(first)
    return told.get(name) or (part.get(second) if isinstance(part, dict) else None)


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _place(lab: Lab, sku: str, correlation: str) -> str:
    body = {"lines": [{"sku": sku, "quantity": 1}]}
    headers = {"Idempotency-Key": uuid4().hex, "X-Correlation-ID": correlation}
    answer = lab.shop.post("order-service", "/orders", body, EMAIL, headers=headers)
    answer.raise_for_status()
    return str(answer.json()["id"])


def _register(lab: Lab, name: str, **profile: Any) -> str:
    """A customer's id."""
    body = {"name": name, "email": f"{uuid4().hex[:12]}@example.org", "password": uuid4().hex, **profile}
    answer = lab.shop.post("user-service", "/users", body)
    answer.raise_for_status()
    return str(answer.json()["id"])


def _ask(lab: Lab, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    with Logs(lab.system.places.logs) as logs:
        return logs.rows(sql, parameters)


def _heard(lab: Lab, process: str, name: str) -> list[str]:
    """The ids of the events that name something and that a process has begun to handle."""
    told = [_json(each) for each in files.lines(lab.system.log(process)) if name in each]
    return [str(_field(each, "event.id")) for each in told if each and str(each.get("message")).startswith("handling ")]


def _handled(lab: Lab, user: str) -> bool:
    """Whether crm-service has committed what a registration means to it."""
    return any(watching.claimed(lab.system, "crm", event) for event in _heard(lab, "crm-worker", user))


def _over(lab: Lab, order: str) -> bool:
    """Whether an order is fulfilled, or its saga has failed so often that it will not be."""
    said = [each for each in files.lines(lab.system.log("order-worker")) if order in each]
    failed = sum('"outcome":"Later"' in each or '"message":"a step failed"' in each for each in said)
    return failed >= FAILED_OFTEN or lab.shop.status(order) == "fulfilled"


def _charged_under(lab: Lab, order: str) -> str:
    """The correlation id of the payment provider's line about an order, once it is written."""
    asked = "SELECT correlation_id FROM logs WHERE service = 'outside' AND path = '/payments/charges' AND order_id = ?"
    rows = watching.until(lambda: _ask(lab, asked, order), PATIENCE)
    return str(rows[-1]["correlation_id"]) if rows else ""


def _reasons(lab: Lab, order: str) -> str:
    """What the saga last said about why it waits."""
    asked = "SELECT reason, error_message FROM logs WHERE process = 'order-worker' AND order_id = ? ORDER BY time"
    told = [why for row in _ask(lab, asked, order) if (why := row["reason"] or row["error_message"])]
    return str(told[-1]) if told else "nobody says why"
