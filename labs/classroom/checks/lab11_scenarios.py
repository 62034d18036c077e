"""Lab 11: what payments may look like over hours, and what is to be recorded and to ring then; and alerts that are wrong."""

from labs.classroom.scenarios import Scenario

FAILURES = "payments:failures:ratio_rate"
ALERT = "PaymentsBudgetBurns"
DONE, REFUSED, LATER = (
    f'saga_attempts_total{{job="order-service", action="charge", outcome="{o}"}}' for o in ("done", "refused", "later")
)
SLI = [
    Scenario(
        "missing",
        {DONE: "0+60x120", LATER: "0+1x120"},
        gives={(90, f"count({FAILURES}{window}{{case}})"): 1 for window in ("5m", "1h")},
    ),
    Scenario(
        "per_process",
        {
            DONE: "0+50x120",
            LATER: "0+10x120",
            DONE.replace("{", '{instance="a second worker", '): "0+40x120",
            LATER.replace("{", '{instance="a second worker", '): "0x120",
        },
        gives={(90, f"count({FAILURES}5m{{case}})"): 1},
    ),
    Scenario(
        "always_zero", {DONE: "0+50x120", LATER: "0+50x120"}, gives={(90, f"sum({FAILURES}5m{{case}}) > bool 0"): 1}
    ),
    Scenario("raw", {DONE: "0+60x120", LATER: "5000x120"}, gives={(90, f"sum({FAILURES}5m{{case}})"): 0}),
    Scenario(
        "other_steps",
        {
            DONE: "0+45x120",
            LATER: "0+15x120",
            'saga_attempts_total{job="order-service", action="ship", outcome="later"}': "0+60x120",
            'saga_attempts_total{job="order-service", action="ship", outcome="done"}': "0+30x120",
        },
        gives={(90, f"round(sum({FAILURES}5m{{case}}), 0.001)"): 0.25},
    ),
    Scenario(
        "declines",
        {DONE: "0+30x120", LATER: "0+15x120", REFUSED: "0+15x120"},
        gives={(90, f"round(sum({FAILURES}5m{{case}}), 0.001)"): 0.25},
    ),
    Scenario(
        "same_window",
        {DONE: "0+60x120 7260x60", LATER: "0x120 60+60x60"},
        gives={
            (135, f"round(sum({FAILURES}5m{{case}}), 0.001)"): 1,
            (135, f"sum({FAILURES}1h{{case}}) < bool 0.5"): 1,
        },
    ),
]
SAID = {
    "missing": f"The rules record no {FAILURES}5m and {FAILURES}1h, one series each.",
    "per_process": "With two workers there are two ratios. The customer has one shop: sum(…) over the processes, then divide.",
    "always_zero": "Half of all attempts fail, and the ratio says none.",
    "raw": "5,000 attempts failed last week, none today, and the ratio is not 0. A counter's value says what happened since "
    "the process started; how fast it grows says what happens now.",
    "other_steps": "One in four charges fails, two in three shipments do; the ratio of payments is not 0.25. Look at `action`.",
    "declines": "Of four attempts one failed and one card was declined: the ratio is 0.25. A declined card is an answer, which "
    "nobody can mend at night.",
    "same_window": "Payments fail for a quarter of an hour: the ratio over 5 minutes must be 1, over an hour about a quarter.",
}


def _ratios(short: str, long: str) -> dict[str, str]:
    return {f"{FAILURES}5m": short, f"{FAILURES}1h": long}


RINGING = [
    Scenario("silent", _ratios("0x9 0.5x30", "0x9 0.2x30"), {5: False, 35: True}),
    Scenario("too_late", _ratios("0x9 0.5x30", "0x9 0.2x30"), {20: True}),
    Scenario("nervous", _ratios("0.002x60", "0.002x60"), {50: False}),
    Scenario("threshold", _ratios("0.012x60", "0.012x60"), {50: False}),
    Scenario("deaf", _ratios("0.016x60", "0.016x60"), {50: True}),
    Scenario("blip", _ratios("0x9 0.5x5 0x30", "0x9 0.01x60"), {13: False, 14: False}),
    Scenario("lingers", _ratios("0.5x20 0x40", "0.3x60"), {15: True, 25: False}),
    Scenario("hasty", _ratios("0x9 0.5 0x30", "0x9 0.02x60"), {10: False}),
]
RANG = {
    "silent": f"Half of all payments fail for half an hour, and {ALERT} does not ring.",
    "too_late": "Half of all payments fail, and ten minutes later nobody is called yet. How long does `for` wait?",
    "nervous": "One payment in 500 fails, twice what the budget allows: it lasts for half a month. No reason to wake anybody.",
    "threshold": "1.2 % of payments fail, 12 times as fast as the budget allows. You ring at 14.4 times: above 0.0144.",
    "deaf": "1.6 % of payments fail, 16 times as fast as the budget allows, and it does not ring. 14.4 times is 0.0144.",
    "blip": "Payments failed for five minutes, 1 % of the hour's, and somebody was woken. The long window says whether it "
    "matters.",
    "lingers": "The provider is well again, and it still rings because of the hour before. The short window says whether it "
    "goes on.",
    "hasty": "One bad look was enough: it rings before it has been so for two minutes.",
}


SHORT, LONG = f"{FAILURES}5m > 14.4 * 0.001", f"{FAILURES}1h > 14.4 * 0.001"
RIGHT = f"{SHORT} and {LONG}"
WORSE = {
    "proves_nothing": (f"{FAILURES}5m > 2", "never rings"),
    "always": ("vector(1)", "always rings"),
    "blind_to_lingering": (LONG, "goes on ringing for an hour after all is well"),
}
RULE = """groups:
  - name: payments
    rules:
      - alert: PaymentsBudgetBurns
        expr: {expression}
        for: 2m
        labels: {{severity: page}}
        annotations: {{summary: Payments fail}}
"""
