"""Traces of one process, as a collector receives them, and what a collector that does not receive them costs."""

import json
import logging
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from statistics import median
from threading import Thread
from typing import Any

import pytest
import requests
import structlog
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from labs.services.chassis import logs, outbox, queries, traces
from labs.services.chassis.api import create_api
from labs.services.chassis.database import Database
from labs.services.chassis.settings import Settings
from tests.services.collector import Collector, collecting
from tests.services.delivery.stand import eventually

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"
SERVER, CLIENT = 2, 3
NEW = "00-[0-9a-f]{32}-[0-9a-f]{16}-0[02]"
"""A traceparent that is not recorded; 2 says that its id is random."""


@pytest.fixture
def url(tmp_path) -> str:
    """One kind of database is enough here."""
    return f"sqlite:///{tmp_path}/probe.db"


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """An app configures logging and tracing of its process, which here is pytest's."""
    handlers, level = logging.getLogger().handlers, logging.getLogger("opentelemetry").level
    yield
    traces.configure(Settings(service="nobody"))
    logging.getLogger().handlers = handlers
    logging.getLogger("opentelemetry").setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as listening:
        yield listening


@pytest.fixture
def app(db) -> Callable[..., FlaskClient]:
    """A client of an app with these settings, which writes, tells, calls others and fails."""

    def make(**settings: Any) -> FlaskClient:
        api = create_api("probe", Settings(service="probe-service", **settings), db)

        @api.post("/orders/<order>")
        def place(order: str) -> Any:
            with db.transaction() as tx:
                tx.execute(text("INSERT INTO effects (id) VALUES (:id)"), {"id": order})
                tx.tell("order_placed", {"order_id": order})
            logs.get("probe").info("placed")
            return {}, 202

        @api.get("/ask")
        def ask() -> Any:
            from flask import request

            return requests.get(request.args["url"], timeout=5).json()

        @api.get("/crash")
        def crash() -> None:
            with db.transaction() as tx:
                tx.execute(text("DELETE FROM effects"))
                raise KeyError("secret")

        return api.test_client()

    return make


def told(db: Database) -> str:
    """The traceparent in the outbox."""
    with db.reading() as session:
        return outbox.due(session)[-1].traceparent


def test_a_request_goes_on_with_the_callers_trace_and_its_transaction_and_event_belong_to_it(app, db, collector):
    client = app(otlp_endpoint=collector.url)
    assert client.post("/orders/o-1", headers={"traceparent": SAMPLED}).status_code == 202
    (request,) = eventually(lambda: collector.of("POST /orders/<order>"), "the request is recorded")
    assert (request.service, request.kind, request.trace, request.parent) == ("probe-service", SERVER, TRACE, PARENT)
    seen = {"http.request.method": "POST", "http.route": "/orders/<order>", "url.path": "/orders/o-1"}
    assert request.attributes == seen | {"http.response.status_code": 202}
    (transaction,) = collector.of("INSERT effects, INSERT outbox")
    assert (transaction.kind, transaction.trace, transaction.parent) == (CLIENT, TRACE, request.id)
    assert transaction.attributes["db.system.name"] == db.engine.dialect.name
    assert told(db) == f"00-{TRACE}-{request.id}-01"


def test_log_lines_name_trace_and_span(app, collector, capsys):
    app(otlp_endpoint=collector.url).post("/orders/o-1", headers={"traceparent": SAMPLED})
    (request,) = eventually(lambda: collector.of("POST /orders/<order>"), "the request is recorded")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines] == ["placed", "POST /orders/o-1"]
    assert {(line["trace"]["id"], line["span"]["id"]) for line in lines} == {(TRACE, request.id)}


def test_without_a_collector_ids_travel_and_nothing_is_recorded(app, db, capsys):
    client = app()
    client.post("/orders/o-1", headers={"traceparent": SAMPLED})
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-01", told(db)), "the caller's wish to record goes on"
    client.post("/orders/o-2")
    assert re.fullmatch(NEW, told(db)) and TRACE not in told(db)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["trace"]["id"] == TRACE != lines[-1]["trace"]["id"]


def test_a_call_to_another_service_carries_the_trace_and_is_a_span_of_its_own(app, collector):
    heard: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["traceparent"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: object) -> None:
            """Silent."""

    other = HTTPServer(("127.0.0.1", 0), Other)
    thread = Thread(target=other.serve_forever)
    thread.start()
    try:
        client = app(otlp_endpoint=collector.url)
        url = f"http://127.0.0.1:{other.server_port}/prices"
        assert client.get("/ask", query_string={"url": url}, headers={"traceparent": SAMPLED}).status_code == 200
    finally:
        other.shutdown()
        other.server_close()
        thread.join(5)
    (request,) = eventually(lambda: collector.of("GET /ask"), "the request is recorded")
    (call,) = [span for span in collector.spans if span.kind == CLIENT]
    assert (call.trace, call.parent) == (TRACE, request.id)
    assert heard == [f"00-{TRACE}-{call.id}-01"]


def test_what_fails_is_marked_and_says_why(app, collector):
    app(otlp_endpoint=collector.url).get("/crash", headers={"traceparent": SAMPLED})
    (request,) = eventually(lambda: collector.of("GET /crash"), "the request is recorded")
    (transaction,) = collector.of("DELETE effects")
    assert request.failed and request.attributes["http.response.status_code"] == 500
    assert transaction.failed


def test_a_look_into_the_database_is_a_span_if_it_is_slow_or_asks_too_often_or_fails(db, collector, monkeypatch):
    monkeypatch.setattr(queries, "QUICK", 0.5)  # for machines that have much else to do
    traces.configure(Settings(service="probe-service", otlp_endpoint=collector.url))
    count = text("SELECT count(*) FROM effects")
    with traces.span("quick"), db.reading() as session:
        session.scalar(count)
    with traces.span("asks often"), db.reading() as session:
        for _ in range(10):
            session.scalar(count)
    with traces.span("slow"), db.reading() as session:
        session.scalar(count)
        time.sleep(queries.QUICK)  # as a slow statement would
    with pytest.raises(OperationalError), traces.span("fails"), db.reading() as session:
        session.scalar(text("SELECT count(*) FROM nothing"))
    traces.flush()
    above = {span.id: span.name for span in collector.spans}
    looked = {above[span.parent]: (span.name, span.attributes) for span in collector.spans if span.kind == CLIENT}
    assert looked.keys() == {"asks often", "slow", "fails"}
    name, attributes = looked["asks often"]
    assert (name.count("SELECT effects"), attributes["db.operation.batch.size"]) == (10, 10)


def test_the_ratio_says_how_many_traces_begin_to_be_recorded_and_the_callers_word_counts_more(app, collector):
    never = app(otlp_endpoint=collector.url, trace_ratio=0)
    never.post("/orders/o-1")
    never.post("/orders/o-2", headers={"traceparent": SAMPLED})
    eventually(lambda: collector.of("POST /orders/<order>"), "the second is recorded")
    always = app(otlp_endpoint=collector.url)
    always.post("/orders/o-3", headers={"traceparent": UNSAMPLED})
    always.post("/orders/o-4")
    eventually(lambda: len(collector.of("POST /orders/<order>")) == 2, "the fourth is recorded")
    assert [s.attributes["url.path"] for s in collector.of("POST /orders/<order>")] == ["/orders/o-2", "/orders/o-4"]


def test_health_metrics_and_unknown_paths_make_no_noise(app, collector):
    client = app(otlp_endpoint=collector.url)
    for path in ("/health/ready", "/metrics", "/nowhere/17"):
        client.get(path)
    eventually(lambda: collector.spans, "something is recorded")
    assert [span.name for span in collector.spans] == ["GET"]


@pytest.mark.parametrize("nonsense", ["", "x", "00-0-0-00", f"ff-{TRACE}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01"])
def test_a_traceparent_that_is_none_begins_a_new_trace(app, db, nonsense):
    assert app().post("/orders/o-1", headers={"traceparent": nonsense}).status_code == 202
    assert re.fullmatch(NEW, told(db))


def test_measurements_lead_to_their_traces(app, collector):
    client = app(otlp_endpoint=collector.url)
    client.post("/orders/o-1", headers={"traceparent": SAMPLED})
    shown = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}).text
    assert f'# {{trace_id="{TRACE}"}}' in shown


@pytest.mark.parametrize("broken", ["frozen", "gone"])
def test_a_broken_collector_slows_no_request_and_loses_no_order(app, db, broken, capsys):
    with collecting(frozen=True) as frozen:
        client = app(otlp_endpoint=frozen.url if broken == "frozen" else "http://127.0.0.1:1")
        before, took = lost(), []
        for number in range(1500):  # 3,000 spans: more than the queue holds
            began = time.perf_counter()
            assert client.post(f"/orders/o-{number}").status_code == 202
            took.append(time.perf_counter() - began)
        assert max(took) < 2, "a request waited for the collector"
        assert median(took) < 0.1
        if broken == "frozen":
            assert frozen.asked.is_set()
        eventually(lambda: lost() > before, "what is lost is counted", 5)
        began = time.monotonic()
        traces.flush()
        assert time.monotonic() - began < 2, "the end of the process waits no longer than it says"
        said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    with db.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM outbox")) == 1500
    about = [line["message"] for line in said if not line["message"].startswith(("POST", "placed"))]
    assert about == ["collector does not take spans, they are lost until it does"]


def lost() -> float:
    return REGISTRY.get_sample_value("trace_spans_lost_total") or 0


def test_what_is_recorded_when_a_process_ends_is_handed_over(collector):
    program = f"""
from labs.services.chassis import traces
from labs.services.chassis.settings import Settings
traces.configure(Settings(service="brief-service", otlp_endpoint="{collector.url}"))
with traces.span("last words"):
    pass
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    assert [span.service for span in collector.of("last words")] == ["brief-service"]


def test_an_import_starts_no_thread_and_who_needs_no_traces_loads_none():
    program = """
import sys, threading
import labs.services.chassis.migrate
heavy = {"flask", "requests", "opentelemetry.sdk.trace", "opentelemetry.exporter", "prometheus_client"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
import labs.services.chassis.api, labs.services.chassis.metrics
from labs.services.chassis import traces
from labs.services.chassis.settings import Settings
traces.configure(Settings(service="probe-service"))
assert "opentelemetry.exporter.otlp" not in sys.modules
assert threading.active_count() == 1, threading.enumerate()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        ("INSERT INTO orders (id) VALUES (?)", "INSERT orders"),
        ("SELECT orders.id, orders.name \nFROM orders WHERE orders.id = ?", "SELECT orders"),
        ('UPDATE "outbox" SET sent_at=? WHERE 1', "UPDATE outbox"),
        ("DELETE FROM inbox WHERE x IN (SELECT x FROM y)", "DELETE inbox"),
        ("  select 1", "SELECT 1"),
        ("BEGIN IMMEDIATE", ""),
        ("SAVEPOINT sa_savepoint_1", ""),
    ],
)
def test_a_statement_is_named_by_what_it_does_and_to_what(statement, summary):
    assert queries.summarized(statement) == summary
