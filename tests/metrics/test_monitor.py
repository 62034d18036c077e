"""What notebooks ask of a running system's Prometheus, and in which words it answers."""

import math

import pytest

from labs.classroom import time_series
from labs.classroom.metrics import Monitor, _names
from labs.classroom.slips import Slip
from tests.infra.nodes import eventually


def test_a_query_gives_a_number_a_table_or_a_series(monitor):
    eventually(lambda: monitor.value('up{instance="order-api"}') == 1, 20, "order-api is scraped")
    assert monitor.value("2 + 3") == 5
    table = monitor.table('up{job="order-service"}')
    assert list(table.columns) == ["instance", "job", "name", "value"]
    assert set(table["instance"]) == {"order-api", "order-worker"}
    eventually(lambda: len(monitor.series('up{job="order-service"}', 30)) >= 3, 20, "there are some moments")
    frame = monitor.series('up{job="order-service"}', 30)
    assert list(frame.columns) == ["order-api", "order-worker"]
    assert frame.index.min() >= -30
    assert frame.index.max() <= 0


def test_what_is_not_there_is_not_a_number_and_no_row(monitor):
    assert math.isnan(monitor.value("no_such_metric"))
    assert monitor.table("no_such_metric").empty
    assert monitor.series("no_such_metric").empty


def test_an_alert_that_is_pending_is_seen_before_anybody_is_called(monitor):
    assert set(monitor.alerts().columns) >= {"state"}


@pytest.mark.parametrize(
    ("promql", "words"),
    [
        ("up", "series, not one number"),
        ("rate(up[", "Prometheus does not understand that"),
        ("sum(up) by", "Prometheus does not understand that"),
    ],
)
def test_a_query_that_gives_no_number_says_why(monitor, promql, words):
    with pytest.raises(Slip, match=words):
        monitor.value(promql)


def test_a_lab_without_prometheus_is_told_how_to_start_it(watched, monkeypatch):
    monitor = Monitor(watched)
    monkeypatch.setattr(watched, "address", lambda _name: "127.0.0.1:9")
    with pytest.raises(Slip, match=r'prometheus does not answer. Start it with `lab.up\("prometheus"\)`'):
        monitor.value("up")


def test_windows_are_in_the_systems_own_time(monitor):
    assert monitor.lapse == 60
    eventually(
        lambda: monitor.value('count_over_time(up{instance="order-api"}[5m])') >= 3, 20, "5 minutes are 5 seconds here"
    )
    assert monitor.value('count_over_time(up{instance="order-api"}[5m])') <= 6


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ([{"__name__": "up", "job": "a"}], ["up"]),
        ([{}], ["value"]),
        ([{"job": "a", "x": "1"}, {"job": "b", "x": "1"}], ["a", "b"]),
        ([{"job": "a"}, {"job": "a", "code": "500"}], ["value", "500"]),
    ],
)
def test_series_are_called_by_what_tells_them_apart(metrics, names):
    assert _names(metrics) == names


def test_a_picture_is_described_in_words_that_hold_for_every_run(monitor):
    frame = monitor.series('up{job="order-service"}', 10)
    said = time_series.described(frame, "up", 10)
    assert said == "Line chart of up over the last 10 seconds; 2 lines: order-api, order-worker."
    figure = time_series.lines(frame, "processes", 10, limit=0.5)
    (axes,) = figure.axes
    assert axes.get_xlim() == (-10, 0)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["order-api", "order-worker", "limit"]
