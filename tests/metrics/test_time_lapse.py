"""An hour in a minute: which words of a configuration are times, and which are not."""

import re

import pytest
import yaml

from labs.infra.home import PROJECT
from labs.infra.prometheus.time_lapse import lapsed, lapsed_query

CONFIG = PROJECT / "labs/infra/prometheus"


@pytest.mark.parametrize(
    ("promql", "short"),
    [
        ("rate(a_total[5m])", "rate(a_total[5s])"),
        ("rate(a_total[1h30m]) > 14.4 * 0.001", "rate(a_total[90s]) > 14.4 * 0.001"),
        ("increase(a_total[1h] offset 15m)", "increase(a_total[60s] offset 15s)"),
        ("increase(a_total[1h] offset -15m)", "increase(a_total[60s] offset -15s)"),
        ("max_over_time(a[6h:5m])", "max_over_time(a[360s:5s])"),
        ("max_over_time(a[6h:])", "max_over_time(a[360s:])"),
        ("rate(a_total[30s])", "rate(a_total[1s])"),
        ("rate(a_total[500ms])", "rate(a_total[500ms])"),
        ("a_total[3d]", "a_total[4320s]"),
        ("rate(a_total[90m])", "rate(a_total[90s])"),
        ("delta(a[100m])", "delta(a[100s])"),
        ("delta(a[77m])", "delta(a[77s])"),
        ("delta(a[10s])", "delta(a[1s])"),
    ],
)
def test_windows_and_offsets_are_shortened(promql, short):
    assert lapsed_query(promql, 60) == short


@pytest.mark.parametrize("promql", ["a:rate5m", 'a{le="5m"}', "a[5]", "histogram_quantile(0.95, a)", "time() - 3600"])
def test_names_labels_and_numbers_are_no_times(promql):
    assert lapsed_query(promql, 60) == promql


def test_settings_that_are_times_are_shortened_in_both_ways_to_write_yaml():
    text = """
global:
  scrape_interval: 15s
rules:
  - {alert: A, for: 10m, keep_firing_for: 1h}
  - alert: B
    for: 2m  # minutes
"""
    assert yaml.safe_load(lapsed(text, 60)) == {
        "global": {"scrape_interval": "1s"},
        "rules": [{"alert": "A", "for": "10s", "keep_firing_for": "60s"}, {"alert": "B", "for": "2s"}],
    }


def test_nothing_is_shorter_than_a_second_but_what_already_was_and_what_lasts_no_time_stays_so():
    assert lapsed("for: 0s", 60) == "for: 0s"
    assert lapsed("interval: 100ms", 60) == "interval: 100ms"
    assert lapsed("group_wait: 30s", 60) == "group_wait: 1s"


def test_texts_for_people_keep_their_times():
    text = 'annotations: {summary: "for 5m more than half", wait: "5m"}\nwaiting_for: 5m\n'
    assert lapsed(text, 60) == text


@pytest.mark.parametrize(
    "path",
    sorted([*CONFIG.glob("config/**/*.yml"), *CONFIG.glob("alertmanager/*.yml")]),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_only_times_differ_in_the_copy_that_the_runner_makes(path):
    before, after = path.read_text().splitlines(), lapsed(path.read_text(), 60).splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed, "each of these files has a time in it"
    for old, new in changed:
        assert re.sub(r"\d+(ms|[smhd])\b", "", old) == re.sub(r"\d+(ms|[smhd])\b", "", new)


def test_production_is_what_it_is():
    rules = (CONFIG / "config/rules/alerts.yml").read_text()
    assert lapsed(rules, 1) == rules
