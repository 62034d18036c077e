"""A learner's rules: promtool looks at them, Prometheus takes them with this system's times, a stub leaves the reference."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from labs.classroom.rules import RuleBook, is_rule
from labs.classroom.slips import Slip

RULES = """groups:
  - name: mine
    rules:
      - record: mine:up:avg5m
        expr: avg_over_time(up[5m])
"""
TEST = """rule_files: [../rules/mine.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: "up", values: "1x10"}]
    promql_expr_test: [{expr: "mine:up:avg5m", eval_time: 9m, exp_samples: [{labels: "mine:up:avg5m", value: VALUE}]}]
"""


@pytest.fixture
def book(promtool: Any, tmp_path: Path) -> RuleBook:  # noqa: ARG001  it is needed
    """That of a system whose Prometheus does not run."""
    system: Any = SimpleNamespace(directory=tmp_path, state=lambda _name: "", services={})
    return RuleBook(system, lambda path: RULES if path.endswith("with_reference.yml") else None)


def test_rules_that_promtool_likes_are_in_place(book):
    assert book.replace("prometheus/rules/mine.yml", RULES).status == "stored"
    assert book.file("prometheus/rules/mine.yml").read_text() == RULES
    assert book.file("prometheus/rules/red.yml").exists(), "the shop's own are beside them"


def test_rules_that_it_refuses_leave_what_was_there(book):
    book.replace("prometheus/rules/mine.yml", RULES)
    attempt = book.replace("prometheus/rules/mine.yml", RULES.replace("up[5m]", "up[5"))
    assert attempt.status == "broken"
    assert "rules/mine.yml" in attempt.trouble
    assert str(book.folder) not in attempt.trouble
    assert book.file("prometheus/rules/mine.yml").read_text() == RULES
    assert book.replace("prometheus/rules/new.yml", "groups: 5").status == "broken"
    assert not book.file("prometheus/rules/new.yml").exists()


@pytest.mark.parametrize("stub", ["groups:\n  - name: mine\n    rules:\n      ...\n", "groups: ...\n", "a:\n  - ...\n"])
def test_a_stub_is_not_attempted_and_the_reference_steps_in(book, stub):
    attempt = book.replace("prometheus/rules/with_reference.yml", stub)
    assert attempt.status == "open"
    assert attempt.trouble == f"line {stub.splitlines().index(next(x for x in stub.splitlines() if '...' in x)) + 1}"
    assert book.file("prometheus/rules/with_reference.yml").read_text() == RULES
    assert book.replace("prometheus/rules/without.yml", stub).status == "open"
    assert not book.file("prometheus/rules/without.yml").exists()


def test_a_test_of_rules_says_whether_it_passes_and_stays_either_way(book):
    book.replace("prometheus/rules/mine.yml", RULES)
    assert book.replace("prometheus/tests/mine.yml", TEST.replace("VALUE", "1")).trouble == ""
    failing = book.replace("prometheus/tests/mine.yml", TEST.replace("VALUE", "7"))
    assert failing.status == "stored"
    assert "got" in failing.trouble
    assert book.file("prometheus/tests/mine.yml").exists()


@pytest.mark.parametrize(
    "path",
    ["prometheus/mine.yml", "prometheus/rules/../../x.yml", "prometheus/rules/Mine.yml", "prometheus/rules/x.py"],
)
def test_a_path_that_is_none_of_rules_is_refused_in_words(book, path):
    assert is_rule(path)
    with pytest.raises(Slip, match=r"Rules are files like prometheus/rules/checkout\.yml"):
        book.replace(path, RULES)


def test_a_running_prometheus_evaluates_them_in_the_systems_own_time(watched, monitor):
    book = RuleBook(watched, lambda _path: None)
    assert book.replace("prometheus/rules/mine.yml", RULES).status == "running"
    groups = [group for group in monitor._ask("rules")["groups"] if group["name"] == "mine"]
    assert [rule["query"] for rule in groups[0]["rules"]] == ["avg_over_time(up[5s])"]
    assert (
        yaml.safe_load(book.file("prometheus/rules/mine.yml").read_text())["groups"][0]["rules"][0]["expr"]
        == "avg_over_time(up[5m])"
    )
