"""What a notebook makes of traces, asked of a collector that holds them."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pandas import DataFrame
from werkzeug.serving import make_server

from labs.classroom import dependencies, pictures, spans, tracing
from labs.classroom.slips import NobodyListens, Slip
from labs.classroom.spans import Query
from labs.infra.tracing.app import create_app
from labs.infra.tracing.model import Span
from labs.infra.tracing.store import Store
from tests.infra.tracing import making
from tests.infra.tracing.making import OTHER, TRACE, span

ORDER = "0b7c1d9e-4711-4711-8c1c-5f3a2b1c0d9e"


class Place:
    """Where the collector is."""

    def __init__(self, address: str) -> None:
        self._address = address

    def address(self, _name: str, _port: int | None = None) -> str:
        return self._address


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def query(store: Store) -> Iterator[Query]:
    """Of a collector with this store."""
    server = make_server("127.0.0.1", 0, create_app(store), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Query(Place(f"127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What would be shown in a notebook."""
    bundles: list[dict[str, str]] = []
    monkeypatch.setattr("labs.classroom.figures.display", lambda bundle, **_: bundles.append(bundle))
    return bundles


def order(store: Store) -> None:
    """One order of just now over three services, told by an event, and one call that failed."""
    now = time.time_ns() // 1000 - 60_000

    def span(number: int, **given: Any) -> Span:
        return making.span(number, start=now + 1000 * number, **given)

    store.add([
        span(1, service="order-service", operation="POST /orders", tags={"order.id": ORDER, "span.kind": "server"}),
        span(2, service="order-service", operation="send order_placed", parent=1, tags={"span.kind": "producer"}),
        span(3, service="stock-service", operation="process order_placed", parent=2, tags={"span.kind": "consumer"}),
        span(4, service="outside", operation="POST /charges", parent=1, tags={"span.kind": "server", "error": True}),
    ])  # fmt: skip


def test_a_trace_is_found_by_the_orders_id_by_the_correlation_id_and_by_its_own(store, query):
    order(store)
    store.add(
        [
            span(
                5,
                OTHER,
                "mail-service",
                start=time.time_ns() // 1000,
                tags={"messaging.message.conversation_id": "c-1"},
            )
        ]
    )
    for about, trace_id in ((ORDER, TRACE), ("c-1", OTHER), (TRACE, TRACE)):
        (found,) = tracing.complete(query, about, "")
        assert found["traceID"] == trace_id


def test_a_trace_that_never_comes_is_said_in_words(query):
    with pytest.raises(
        Slip, match=r"There is no trace about 'nothing' with a span 'pack' after 1 s\. Was it made after"
    ):
        tracing.complete(query, "nothing", "pack", within=1)


def test_who_has_no_collector_is_told_how_to_get_one():
    with pytest.raises(NobodyListens, match="Nobody collects traces"):
        Query(Place("127.0.0.1:1")).services()


def test_a_table_has_each_span_below_the_one_because_of_which_it_is(store, query):
    order(store)
    table = spans.table(tracing.complete(query, ORDER, "send"))
    assert list(table["operation"]) == ["POST /orders", "send order_placed", "process order_placed", "POST /charges"]
    assert list(table["depth"]) == [0, 1, 2, 1]
    assert list(table["failed"]) == [False, False, False, True]
    assert list(table["begins"]) == [0, 1, 2, 3]
    assert set(table["lasts"]) == {1.0}


def test_spans_whose_parents_go_round_in_circles_are_shown_no_further_than_they_lead(store, query):
    store.add([span(1, parent=2), span(2, parent=1), span(3), span(4, parent=4)])
    assert [row["span"][-1] for row in spans.rows(query.trace(TRACE))] == ["3", "4"]


def test_a_search_knows_all_that_the_api_knows(store, query):
    order(store)
    assert len(tracing.search(query, "outside", tags={"error": True})) == 4, "all spans of the trace"
    assert tracing.search(query, "outside", tags={"error": False}).empty
    assert tracing.search(query, "outside", minDuration="2ms").empty
    assert list(tracing.search(query, "outside", minDuration="2ms").columns) == list(spans.COLUMNS)


def test_a_search_for_two_traces_waits_for_the_second_and_for_what_comes_late_of_it(store, query):
    order(store)
    now = time.time_ns() // 1000
    late = (
        (0.3, making.span(1, OTHER, "order-service", start=now, tags={"span.kind": "client"})),
        (0.9, making.span(2, OTHER, "outside", start=now, parent=1, tags={"span.kind": "server"})),
    )
    timers = [threading.Timer(seconds, store.add, [[span]]) for seconds, span in late]
    for timer in timers:
        timer.start()
    found = tracing.search(query, "order-service", least=2)
    assert found.groupby("trace")["service"].nunique().to_dict() == {TRACE: 3, OTHER: 2}


def test_a_parent_that_is_missing_is_waited_for_longer_than_anything_else(store, query):
    now = time.time_ns() // 1000
    store.add([making.span(2, OTHER, "outside", start=now, parent=1)])
    late = making.span(1, OTHER, "gateway", start=now)
    threading.Timer(3 * tracing.EVERY, store.add, [[late]]).start()
    (found,) = tracing.complete(query, OTHER, "")
    assert [row["service"] for row in spans.rows(found)] == ["gateway", "outside"]


def test_a_search_for_more_traces_than_come_says_so(store, query, monkeypatch):
    order(store)
    monkeypatch.setattr(tracing, "PATIENCE", 0.1)
    with pytest.raises(Slip, match=r"There are no 2 traces with such a span of order-service after 0\.1 s"):
        tracing.search(query, "order-service", least=2)


def test_the_map_counts_calls_events_and_failures_and_is_the_collectors_own(store, query):
    order(store)
    store.add([span(9, OTHER, "order-service"), span(10, OTHER, "outside", parent=9, tags={"span.kind": "server"})])
    edges = dependencies.edges([query.trace(TRACE), query.trace(OTHER)])
    found = [(r["caller"], r["called"], r["by"], r["calls"], r["errors"]) for r in edges.to_dict("records")]
    assert found == [("order-service", "outside", "request", 2, 1), ("order-service", "stock-service", "event", 1, 0)]
    counted = store.dependencies(0, 2**62)
    assert {(r["caller"], r["called"]): r["calls"] for r in edges.to_dict("records")} == counted


def test_a_waterfall_says_in_words_what_it_shows_and_lets_runs_be_compared(store, query, shown):
    order(store)
    tracing.draw(query.trace(TRACE), "")
    (bundle,) = shown
    assert bundle["text/plain"].startswith("[Waterfall of the trace that begins with POST /orders of order-service")
    assert "order-service, outside, stock-service" in bundle["text/plain"]
    _, _, words = bundle["text/html"].partition("<data class='measured'>")
    text, _, _ = words.partition("</data>")
    assert "      3.0 ms       1.0 ms    outside: POST /charges FAILED" in text
    assert "3.0 ms" not in bundle["text/plain"]


def test_the_deepest_span_of_a_long_chain_still_says_what_it_is():
    columns = {"service": "step-service", "operation": "POST /checkout", "begins": 0.0, "lasts": 1.0, "failed": False}
    table = DataFrame([{**columns, "depth": depth} for depth in range(40)])
    labels = [tick.get_text() for tick in pictures.waterfall(table).axes[0].get_yticklabels()]
    assert {label.strip() for label in labels} == {"step: POST /checkout"}
    assert len({len(label) for label in labels}) > 10, "and how deep it is"


def test_the_map_is_drawn_with_every_edge_in_its_words(store, query, shown):
    order(store)
    tracing.map_of(query, 60, "")
    assert "order-service to outside, order-service to stock-service" in shown[0]["text/plain"]
    with pytest.raises(Slip, match=r"in the last 0\.01 s"):
        tracing.map_of(query, 0.01, "")


def test_pictures_have_a_row_for_each_span_and_a_box_for_each_service(store, query):
    order(store)
    table = spans.table([query.trace(TRACE)])
    labels = [tick.get_text() for tick in pictures.waterfall(table).axes[0].get_yticklabels()]
    assert labels == [
        "order: POST /orders",
        "   order: send order_placed",
        "      stock: process order_placed",
        "   outside: POST /charges (failed)",
    ]
    drawn = {text.get_text() for text in pictures.dependencies(dependencies.edges([query.trace(TRACE)])).axes[0].texts}
    assert drawn == {"order", "outside", "stock", "1 event", "1 request\n1 failed"}
