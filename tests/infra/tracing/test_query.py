"""Jaeger's query API: its parameters, its answers, its errors."""

import time

import pytest

from labs.infra.tracing import durations
from tests.infra.tracing.making import OTHER, START, TRACE, found, span

HOUR = 3600 * 1_000_000


@pytest.fixture
def filled(store, client):
    """Two traces of a moment ago, one of three days ago."""
    now = time.time_ns() // 1000
    store.add([span(1, start=now, tags={"span.kind": "server"}), span(2, start=now, operation="pour", parent=1)])
    store.add([span(3, OTHER, "cup-shop", start=now - HOUR // 2, duration=2_000_000, tags={"error": True})])
    store.add([span(4, "b" * 32, "cup-shop", start=now - 72 * HOUR)])
    return client


def test_services_and_what_they_do(filled):
    answer = filled.get("/api/services").json
    assert answer == {"data": ["cup-shop", "tea-shop"], "total": 2, "limit": 0, "offset": 0, "errors": None}
    assert found(filled, "/api/services/tea-shop/operations") == ["brew", "pour"]
    assert found(filled, "/api/services/nobody/operations") == []
    both = [{"name": "brew", "spanKind": "server"}, {"name": "pour", "spanKind": ""}]
    assert found(filled, "/api/operations", service="tea-shop") == both
    assert found(filled, "/api/operations", service="tea-shop", spanKind="server") == both[:1]


@pytest.mark.parametrize(
    ("asked", "traces"),
    [
        ({"service": "tea-shop"}, [TRACE]),
        ({"service": "cup-shop"}, [OTHER]),
        ({"service": "cup-shop", "lookback": "100h"}, [OTHER, "b" * 32]),
        ({"service": "cup-shop", "lookback": "1m"}, []),
        ({"service": "cup-shop", "start": "0", "limit": "1"}, [OTHER]),
        ({"service": "cup-shop", "start": "0", "end": str(START)}, []),
        ({"service": "tea-shop", "operation": "pour"}, [TRACE]),
        ({"service": "tea-shop", "operation": "drink"}, []),
        ({"service": "cup-shop", "tags": '{"error": "true"}'}, [OTHER]),
        ({"service": "cup-shop", "tags": '{"error": "false"}'}, []),
        ({"service": "cup-shop", "tag": "error:true"}, [OTHER]),
        ({"service": "cup-shop", "minDuration": "1.5s", "maxDuration": "3s"}, [OTHER]),
        ({"service": "cup-shop", "minDuration": "2001ms"}, []),
        ({"service": "cup-shop", "maxDuration": "1s"}, []),
        ({"traceID": TRACE}, [TRACE]),
    ],
)
def test_a_search_by_jaegers_parameters(filled, asked, traces):
    assert [trace["traceID"] for trace in found(filled, "/api/traces", **asked)] == traces


@pytest.mark.parametrize(
    ("path", "asked", "words"),
    [
        ("/api/traces", {}, "parameter 'service' is required"),
        ("/api/traces", {"service": "x", "start": "yesterday"}, "unable to parse param 'start'"),
        ("/api/traces", {"service": "x", "end": "1.5"}, "unable to parse param 'end'"),
        ("/api/traces", {"service": "x", "limit": "many"}, "unable to parse param 'limit'"),
        ("/api/traces", {"service": "x", "limit": "0"}, "it must be from 1 to 1500"),
        ("/api/traces", {"service": "x", "limit": "1501"}, "it must be from 1 to 1500"),
        (
            "/api/traces",
            {"service": "x", "minDuration": "5"},
            "unable to parse param 'minDuration': invalid duration '5'",
        ),
        ("/api/traces", {"service": "x", "maxDuration": "long"}, "unable to parse param 'maxDuration'"),
        ("/api/traces", {"service": "x", "minDuration": "2s", "maxDuration": "1s"}, "should be greater than"),
        ("/api/traces", {"service": "x", "lookback": "-1h"}, "unable to parse param 'lookback'"),
        ("/api/traces", {"service": "x", "tags": "{"}, "malformed 'tags' parameter"),
        ("/api/traces", {"service": "x", "tags": '{"error": true}'}, "malformed 'tags' parameter"),
        ("/api/traces", {"service": "x", "tags": "[1]"}, "malformed 'tags' parameter"),
        ("/api/traces", {"service": "x", "tag": "error"}, "malformed 'tag' parameter"),
        ("/api/traces", {"traceID": "xyz"}, "a trace id is at most 32 hex digits"),
        ("/api/traces/xyz", {}, "a trace id is at most 32 hex digits"),
        (f"/api/traces/{'a' * 33}", {}, "a trace id is at most 32 hex digits"),
        ("/api/operations", {}, "parameter 'service' is required"),
        ("/api/dependencies", {"endTs": "now"}, "unable to parse param 'endTs'"),
    ],
)
def test_what_cannot_be_asked_is_answered_with_jaegers_error(client, path, asked, words):
    answer = client.get(path, query_string=asked)
    assert answer.status_code == 400
    (error,) = answer.json["errors"]
    assert (answer.json["data"], error["code"]) == (None, 400)
    assert words in error["msg"]


def test_a_trace_that_is_not_there_is_not_found(filled):
    answer = filled.get(f"/api/traces/{'c' * 32}")
    assert answer.status_code == 404
    assert answer.json["errors"] == [{"code": 404, "msg": "trace not found"}]
    several = filled.get("/api/traces", query_string={"traceID": [TRACE, "c" * 32]}).json
    assert [trace["traceID"] for trace in several["data"]] == [TRACE]
    assert several["errors"] == [{"msg": "trace not found", "traceID": "c" * 32}]


def test_dependencies_within_a_time(store, client):
    store.add([span(1), span(2, parent=1, service="cup-shop"), span(3, parent=1, service="cup-shop")])
    at = START // 1000 + 1
    link = {"parent": "tea-shop", "child": "cup-shop", "callCount": 2}
    assert found(client, "/api/dependencies", endTs=at, lookback=1000) == [link]
    assert found(client, "/api/dependencies", endTs=at, lookback=1000, service="cup-shop") == [link]
    assert found(client, "/api/dependencies", endTs=at, lookback=1000, service="nobody") == []
    assert found(client, "/api/dependencies", endTs=at - 10, lookback=1000) == []


def test_clocks_that_disagree_are_shown_as_they_are_and_said(store, client):
    store.add([span(100), span(2, parent=100, service="cup-shop"), span(3, parent=100)])
    (trace,) = found(client, f"/api/traces/{TRACE}")
    early, same, root = trace["spans"]
    assert early["startTime"] == START + 2000, "not moved"
    assert early["warnings"] == [
        "begins 98.0 ms before its parent: the clocks of tea-shop and cup-shop disagree; nothing was corrected"
    ]
    assert (same["warnings"], root["warnings"]) == (None, None), "one process has one clock"


def test_a_trace_that_was_too_large_says_so(store, client, monkeypatch):
    monkeypatch.setattr("labs.infra.tracing.store.LARGEST_TRACE", span().weight())
    store.add([span(1), span(2)])
    (trace,) = found(client, f"/api/traces/{TRACE}")
    assert trace["warnings"] == ["1 more spans came than one trace may have here; they are not shown"]


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("0", 0),
        ("1.5s", 1_500_000),
        ("100ms", 100_000),
        ("250us", 250),
        ("250µs", 250),
        ("1h30m", 5_400_000_000),
        ("2000ns", 2),
    ],
)
def test_durations_are_read_as_go_writes_them(text, microseconds):
    assert durations.microseconds(text) == microseconds


@pytest.mark.parametrize("text", ["", "5", "s", "1 s", "-1s", "1d", "1s2", "١s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="write for example 100ms"):
        durations.microseconds(text)


def test_the_page_loads_nothing_from_elsewhere_and_says_that_it_is_not_jaeger(client):
    page = client.get("/")
    assert "It is not Jaeger" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for name in ("page.js", "page.css"):
        part = client.get(f"/page/{name}")
        assert part.status_code == 200
        assert "http" not in part.text.replace("http-equiv", ""), "no address of anybody else"
    assert client.get(f"/trace/{TRACE}").data == page.data
    assert client.get("/page/../query.py").status_code == 404
