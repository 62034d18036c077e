"""Rules judged by what they do: made-up series over hours of production's time, run through promtool in a moment."""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from labs.classroom.rules import promtool

_CASE = re.compile(r'case!=\\?"(\w+)\\?"')


@dataclass(frozen=True)
class Scenario:
    """`series` are Prometheus' own notation for unit tests, a value a minute. At each minute of `rings` the alert fires or not;
    each of `gives`, (minute, expression with {case} for its matchers), has this value, one number."""

    name: str
    series: Mapping[str, str] = field(hash=False)
    rings: Mapping[int, bool] = field(default_factory=dict, hash=False)
    gives: Mapping[tuple[int, str], float] = field(default_factory=dict, hash=False)


class NotRun(Exception):
    """promtool could not even run the rules; it says why."""


def failing(rules: Sequence[Path], alert: str, scenarios: Sequence[Scenario]) -> list[str]:
    """The names of the scenarios in which these rules do something else, in the order given. Raises NotRun."""
    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder) / "scenarios.yml"
        test.write_text(yaml.safe_dump(_document(rules, alert, scenarios)))
        done = promtool("test", "rules", str(test))
    found = set(_CASE.findall(done.stdout + done.stderr))
    if done.returncode and not found:
        raise NotRun(_words(done))
    return [scenario.name for scenario in scenarios if scenario.name in found]


def _words(done: "subprocess.CompletedProcess[str]") -> str:
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {done.returncode}"


def _document(rules: Sequence[Path], alert: str, scenarios: Sequence[Scenario]) -> dict[str, Any]:
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in scenario.series.items()],
            "promql_expr_test": [
                *(_expected(minute, _firing(alert, scenario.name), rings) for minute, rings in scenario.rings.items()),
                *(
                    _expected(minute, expression.replace("{case}", f'{{case!="{scenario.name}"}}'), value)
                    for (minute, expression), value in scenario.gives.items()
                ),
            ],
        }
        for scenario in scenarios
    ]
    return {"rule_files": [str(path) for path in rules], "evaluation_interval": "1m", "tests": tests}


def _firing(alert: str, case: str) -> str:
    """`case` is a label that no alert has: it brings the scenario's name into what promtool says."""
    matchers = f'alertname="{alert}", alertstate="firing", case!="{case}"'
    return f"clamp_max(count(ALERTS{{{matchers}}}), 1) or vector(0)"


def _expected(minute: int, expression: str, value: float) -> dict[str, Any]:
    return {
        "eval_time": f"{minute}m",
        "expr": expression,
        "exp_samples": [{"labels": "{}", "value": float(value)}],
    }
