"""Lab 11: what the learner's metrics count, and when the learner's alert rings."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from prometheus_client.parser import text_string_to_metric_families

from labs.classroom import watching
from labs.classroom.checks.lab11_scenarios import ALERT, RANG, RIGHT, RINGING, RULE, SAID, SLI, WORSE
from labs.classroom.lab import Lab
from labs.classroom.people import ADMINISTRATOR, succeeded
from labs.classroom.rules import promtool
from labs.classroom.scenarios import NotRun, Scenario, failing
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.services.chassis.events import Event

CHECKS = Checks()
PATIENCE = 10.0
"""Seconds in which an order is paid for; it takes a tenth of one."""
REVENUE = "revenue_cents_total"
RULES, ALERTS, PROOF = (
    f"prometheus/{name}.yml" for name in ("rules/payments", "rules/payments_alert", "tests/payments")
)


@CHECKS.exercise("revenue", "business/worker.py")
def revenue(lab: Lab, _answer: Any) -> Verdict:
    """Cents that were paid, by currency, once each; and no series for each customer."""
    tea, tin, dollar = (f"{name}-{uuid4().hex[:8]}" for name in ("tea", "tin", "dollar"))
    lab.shop.stock(tea, 20)
    lab.shop.offer(tin, price=1999)
    _offer_in_dollars(lab, dollar, 500)
    lab.shop.stock(dollar, 5)
    before = _revenue(lab)
    paid = lab.shop.place((tea, 3), email="one@example.org")
    lab.shop.wait([paid], PATIENCE)
    if not (got := _settled(lab, before, 1)):
        if trouble := watching.last_error(lab.system, "business-worker"):
            return wrong("raises", f"An order for 10.50 € was paid, and your handler raised {trouble}.")
        return wrong("silent", f"An order for 10.50 € was paid, and {REVENUE} of business-worker does not show it.")
    if got == {"": 1.0} or sum(got.values()) == 1:
        return wrong(
            "orders", f"An order for 1050 cents was paid, and {REVENUE} grew by 1: that counts orders, not money."
        )
    if sum(got.values()) != 1050:
        return wrong("miscounted", f"An order for 1050 cents was paid, and {REVENUE} grew by {sum(got.values()):g}.")
    return _only_paid(lab, tea, tin, dollar)


def _only_paid(lab: Lab, tea: str, tin: str, dollar: str) -> Verdict:
    before, series = _revenue(lab), len(_samples(lab))
    refused = lab.shop.place((tin, 1), email="two@example.org")  # there is none on the shelf
    others = [lab.shop.place((tea, 1), email=f"{name}@example.org") for name in ("three", "four")]
    foreign = lab.shop.place((dollar, 2), email="five@example.org")
    lab.shop.wait([refused, *others, foreign], PATIENCE)
    event = Event(
        "order-service", "order_paid", {"order_id": others[0], "customer_id": "x", "amount": 7, "currency": "EUR"}
    )
    watching.tell(lab.system, event, times=3)
    watching.until(lambda: sum(_grown(lab, before).values()) >= 1707, PATIENCE)
    watching.until(lambda: watching.suppressed(lab.system, "business-worker", event.id) == 2, 2)
    got = _grown(lab, before)
    if sum(got.values()) >= 1707 + 1999:
        return wrong(
            "placed", "An order for 19.99 € was rejected, nothing is on the shelf; you counted its money all the same."
        )
    if sum(got.values()) == 1707 + 14:
        return wrong(
            "doubled",
            "order_paid for 7 cents was delivered three times, as brokers may, and counted three times. `handle_event` of the "
            "chassis knows what it has seen; nameko's own does not.",
            tuple(f"order-service->>business-service: order_paid, 7 cents (delivery {n})" for n in (1, 2, 3)),
        )
    if len(_samples(lab)) > series + 1:
        more = len(_samples(lab)) - series
        return wrong(
            "unbounded",
            f"Three more customers made {more} more time series. A shop with a million customers would have a million, and "
            "Prometheus keeps each in memory. Whose order it was belongs into logs and traces.",
        )
    if got.get("USD") != 1000:
        return wrong(
            "mixed", "An order for 10 dollars was paid. Cents of dollars and of euros make no sum: give them a label."
        )
    if got.get("EUR") != 707:
        return wrong("miscounted", f"Paid were 707 cents of EUR; {REVENUE} grew by {got.get('EUR', 0):g}.")
    return passed(
        "Orders for 10.50 €, 7 € and 10 $ were counted in cents by currency; a rejected one was not; an event that came three "
        "times counted once; more customers made no more series."
    )


def _offer_in_dollars(lab: Lab, sku: str, amount: int) -> None:
    body = {"name": sku, "price": {"amount": amount, "currency": "USD"}}
    succeeded(lab.shop.send("PUT", "inventory-service", f"/products/{sku}", ADMINISTRATOR, json=body))


def _samples(lab: Lab) -> list[Any]:
    said = requests.get(f"http://{lab.system.address('business-worker')}/metrics", timeout=5).text
    return [
        s for family in text_string_to_metric_families(said) for s in family.samples if s.name.startswith("revenue")
    ]


def _revenue(lab: Lab) -> dict[str, float]:
    """By currency; under "" what has no such label."""
    found: dict[str, float] = {}
    for sample in _samples(lab):
        if sample.name == REVENUE:
            currency = sample.labels.get("currency", "")
            found[currency] = found.get(currency, 0.0) + sample.value
    return found


def _grown(lab: Lab, before: dict[str, float]) -> dict[str, float]:
    now = _revenue(lab)
    return {name: now[name] - before.get(name, 0.0) for name in now if now[name] != before.get(name, 0.0)}


def _settled(lab: Lab, before: dict[str, float], least: float) -> dict[str, float]:
    watching.until(lambda: sum(_grown(lab, before).values()) >= least, PATIENCE / 2)
    return _grown(lab, before)


@CHECKS.exercise("sli", RULES)
def sli(lab: Lab, _answer: Any) -> Verdict:
    """The share of attempts to charge that fail, over two windows."""
    found = _failing([lab.workshop.rules.file(RULES)], "", SLI)
    if isinstance(found, Verdict):
        return found
    if found:
        return wrong(found[0], SAID[found[0]])
    return passed(
        "One ratio for all workers; rates, not counts; charges only; a declined card costs nothing; both windows differ."
    )


@CHECKS.exercise("alert", ALERTS)
def alert(lab: Lab, _answer: Any) -> Verdict:
    """It rings when it matters and still goes on, and not otherwise."""
    file = lab.workshop.rules.file(ALERTS)
    if f"alert: {ALERT}" not in file.read_text():
        return wrong("unnamed", f"There is no alert called {ALERT} in the file; whoever waits for it waits for ever.")
    found = _failing([file], ALERT, RINGING)
    if isinstance(found, Verdict):
        return found
    if found:
        return wrong(found[0], RANG[found[0]])
    if "severity: page" not in file.read_text():
        return wrong(
            "severity",
            "It rings, and says nothing of how urgent it is. Whoever is called at night wants `severity: page`.",
        )
    return passed(
        "It rings within minutes when payments fail, not for a blip, not below 14.4 times the budget, and stops when they work."
    )


def _failing(files: list[Path], name: str, scenarios: list[Scenario]) -> list[str] | Verdict:
    try:
        return failing(files, name, scenarios)
    except NotRun as error:
        return wrong("unusable", f"promtool cannot evaluate the rules: {error}")


@CHECKS.exercise("proof", PROOF)
def proof(lab: Lab, _answer: Any) -> Verdict:
    """A unit test that the right alert passes, and each of some wrong ones fails."""
    test = lab.workshop.rules.file(PROOF)
    with ThreadPoolExecutor(4) as hands:
        right, *others = hands.map(lambda rule: _passes(test, rule), [RIGHT, *(rule for rule, _ in WORSE.values())])
    if right:
        return wrong("refuses_the_right_one", f"The right rule fails your test: {right}")
    for (name, (_, what)), said in zip(WORSE.items(), others, strict=True):
        if not said:
            return wrong(
                name,
                f"An alert that {what} passes your test as well. What would that one do, and when, that yours forbids?",
            )
    return passed(
        "Your test passes with the right rule; it fails with one that never rings, one that always does, one that never stops."
    )


def _passes(test: Path, expression: str) -> str:
    """What promtool says against the learner's test of this rule; empty if it passes."""
    with tempfile.TemporaryDirectory() as folder:
        rules, tests = Path(folder) / "rules", Path(folder) / "tests"
        rules.mkdir()
        tests.mkdir()
        (rules / Path(ALERTS).name).write_text(RULE.format(expression=expression))
        (tests / test.name).write_text(test.read_text())
        done = promtool("test", "rules", str(tests / test.name))
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        return "" if done.returncode == 0 else " ".join(lines[1:])[:300] or "promtool cannot run it"
