"""The rules as they are kept: valid, each alert with a test in which it rings and one in which it does not."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from labs.infra.home import PROJECT
from labs.infra.prometheus.time_lapse import lapsed
from tests.metrics.conftest import Promtool

HERE = PROJECT / "labs/infra/prometheus"
RULES = sorted((HERE / "config/rules").glob("*.yml"))
TESTS = sorted((HERE / "tests").glob("*.yml"))


def rules() -> list[dict[str, Any]]:
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = sorted(rule["alert"] for rule in rules() if "alert" in rule)
RECORDED = sorted(rule["record"] for rule in rules() if "record" in rule)


@pytest.fixture
def copy(tmp_path) -> Path:
    """The rules and their tests, to break."""
    return shutil.copytree(HERE, tmp_path / "prometheus")


def broken(copy: Path, name: str, expression: str) -> None:
    """The rule of this name has another expression from now on."""
    for path in (copy / "config/rules").glob("*.yml"):
        document = yaml.safe_load(path.read_text())
        for rule in (rule for group in document["groups"] for rule in group["rules"]):
            if name in (rule.get("alert"), rule.get("record")):
                rule["expr"] = expression
        path.write_text(yaml.safe_dump(document))


def verdict(promtool: Promtool, folder: Path, name: str) -> int:
    """Of the tests that speak of this rule, or of an alert that stands on it."""
    speak = "|".join([name, *(rule["alert"] for rule in rules() if "alert" in rule and name in rule["expr"])])
    tests = [path for path in sorted((folder / "tests").glob("*.yml")) if re.search(speak, path.read_text())]
    assert tests, f"no test speaks of {name}"
    return promtool("test", "rules", *map(str, tests)).returncode


def test_prometheus_takes_the_configuration(promtool, copy):
    config = copy / "config/prometheus.yml"
    config.write_text(config.read_text().replace("/etc/prometheus", str(copy / "config")))
    done = promtool("check", "config", "--lint=all", "--lint-fatal", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rules found") == len(RULES)


def test_prometheus_takes_the_rules_also_when_an_hour_passes_in_a_minute(promtool, copy):
    for path in (copy / "config/rules").glob("*.yml"):
        path.write_text(lapsed(path.read_text(), 60))
        done = promtool("check", "rules", str(path))
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_the_rules_do_what_their_tests_say(promtool, path):
    done = promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_the_tests_find_an_alert_that_never_rings_and_one_that_always_does(promtool, copy, alert):
    for expression in ("vector(0) > 1", "vector(1) == 1"):
        broken(copy, alert, expression)
        assert verdict(promtool, copy, alert) != 0, f"{alert} is {expression}, and no test noticed"


@pytest.mark.parametrize("record", RECORDED)
def test_the_tests_find_a_recorded_series_that_is_empty(promtool, copy, record):
    broken(copy, record, "vector(0) > 1")
    assert verdict(promtool, copy, record) != 0, f"nobody tests {record}"


@pytest.mark.parametrize("alert", ALERTS)
def test_whoever_is_called_hears_what_happened_how_urgent_it_is_and_what_to_do(alert):
    (rule,) = [rule for rule in rules() if rule.get("alert") == alert]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert set(rule["annotations"]) == {"summary", "action"}
