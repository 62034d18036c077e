"""Lab 11: what the learner's metrics count, and when the learner's alert rings."""

import random
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import ascii_uppercase
from typing import Any
from uuid import uuid4

import requests
import yaml
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
PATIENCE = 20.0
"""Seconds in which an order is paid for; on an idle machine it takes a tenth of one."""
REVENUE = "revenue_cents_total"
RULES, ALERTS, PROOF = (
    f"prometheus/{name}.yml" for name in ("rules/payments", "rules/payments_alert", "tests/payments")
)


@CHECKS.exercise("revenue", "business/worker.py")
def revenue(lab: Lab, _answer: Any) -> Verdict:
    """Cents that were paid, by currency, once each; and no series for each customer. Others buy meanwhile, so what is ordered
    here is paid in a currency that nobody else has."""
    coin = "".join(random.choices(ascii_uppercase, k=3))
    tea, tin = f"tea-{uuid4().hex[:8]}", f"tin-{uuid4().hex[:8]}"
    for sku, price in ((tea, 350), (tin, 1999)):
        _offer(lab, sku, price, coin)
    lab.shop.stock(tea, 20)
    paid = lab.shop.place((tea, 3), email="one@example.org")
    lab.shop.wait([paid], PATIENCE, still={"placed", "confirmed"})
    got = float(watching.until(lambda: _counted(lab, coin), 5))
    if not got:
        return _uncounted(lab)
    if got == 1:
        return wrong(
            "orders", f"An order for 1050 cents was paid, and {REVENUE} grew by 1: that counts orders, not money."
        )
    if got != 1050:
        return wrong("miscounted", f"An order for 1050 cents was paid, and {REVENUE} grew by {got:g}.")
    return _only_paid(lab, tea, tin, coin)


def _uncounted(lab: Lab) -> Verdict:
    if trouble := watching.last_error(lab.system, "business-worker"):
        return wrong("raises", f"An order for 10.50 was paid, and your handler raised {trouble}.")
    if any(sample.name == REVENUE and "currency" not in sample.labels and sample.value for sample in _samples(lab)):
        return wrong(
            "mixed",
            f"{REVENUE} has no label `currency`. Cents of euros and of other currencies make no sum: tell them apart.",
        )
    return wrong(
        "silent",
        f"An order for 10.50 was paid, and {REVENUE} of business-worker does not show it. "
        "Does a handler hear order_paid, and is the counter called so?",
    )


def _only_paid(lab: Lab, tea: str, tin: str, coin: str) -> Verdict:
    refused = lab.shop.place((tin, 1), email="two@example.org")  # there is none on the shelf
    others = [lab.shop.place((tea, 1), email=f"{name}@example.org") for name in ("three", "four")]
    lab.shop.wait([refused, *others], PATIENCE, still={"placed", "confirmed"})
    event = Event(
        "order-service", "order_paid", {"order_id": str(uuid4()), "customer_id": "x", "amount": 7, "currency": coin}
    )
    watching.tell(lab.system, event, times=3)
    watching.until(lambda: _counted(lab, coin) >= 1757, PATIENCE)
    watching.until(lambda: watching.suppressed(lab.system, "business-worker", event.id) == 2, 2)
    got = _counted(lab, coin)
    if got >= 1757 + 1000:
        return wrong(
            "placed", "An order for 19.99 was rejected, there is none on the shelf; you counted its money all the same."
        )
    if got == 1757 + 14:
        return wrong(
            "doubled",
            "order_paid for 7 cents was delivered three times, as brokers may, and counted three times. `handle_event` of the "
            "chassis knows what it has seen; nameko's own does not.",
            tuple(f"order-service->>business-service: order_paid, 7 cents (delivery {n})" for n in (1, 2, 3)),
        )
    if (series := sum(sample.labels.get("currency") == coin for sample in _samples(lab) if sample.name == REVENUE)) > 1:
        return wrong(
            "unbounded",
            f"Four customers made {series} time series. A shop with a million customers would have a million, and Prometheus "
            "keeps each of them in memory. Whose order it was belongs into logs and traces.",
        )
    if got != 1757:
        return wrong("miscounted", f"Paid were 1757 cents; {REVENUE} grew by {got:g}.")
    return passed(
        "Four payments were counted in cents, by currency; a rejected order was not; an event that came three times counted "
        "once; more customers made no more series."
    )


def _offer(lab: Lab, sku: str, amount: int, coin: str) -> None:
    body = {"name": sku, "price": {"amount": amount, "currency": coin}}
    succeeded(lab.shop.send("PUT", "inventory-service", f"/products/{sku}", ADMINISTRATOR, json=body))


def _samples(lab: Lab) -> list[Any]:
    said = requests.get(f"http://{lab.system.address('business-worker')}/metrics", timeout=5).text
    return [
        s for family in text_string_to_metric_families(said) for s in family.samples if s.name.startswith("revenue")
    ]


def _counted(lab: Lab, coin: str) -> float:
    """Of this currency, whatever other labels there are."""
    return float(sum(s.value for s in _samples(lab) if s.name == REVENUE and s.labels.get("currency") == coin))


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
    if (rule := _alert(file)) is None:
        return wrong("unnamed", f"There is no alert called {ALERT} in the file; whoever waits for it waits for ever.")
    found = _failing([file], ALERT, RINGING)
    if isinstance(found, Verdict):
        return found
    if found:
        return wrong(found[0], RANG[found[0]])
    if rule.get("labels", {}).get("severity") != "page":
        return wrong(
            "severity",
            "It rings, and says nothing of how urgent it is. Whoever is called at night wants `severity: page`.",
        )
    return passed(
        "It rings within minutes when payments fail, not for a blip, not below 14.4 times the budget, and stops when they work."
    )


def _alert(file: Path) -> dict[str, Any] | None:
    """The rule of that name, if the file has it; promtool has read the file already."""
    groups = yaml.safe_load(file.read_text())["groups"]
    return next((rule for group in groups for rule in group["rules"] if rule.get("alert") == ALERT), None)


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
