"""A whole shop with a collector beside it: an order is one story from the gateway to the mail, and what becomes of the shop
when the collector does not answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import psutil
import pytest
import requests

from labs.classroom import books
from labs.classroom.ledger import judge
from labs.classroom.shop import Shop
from labs.classroom.watching import until
from labs.infra import collecting
from labs.infra.start_error import StartError
from labs.infra.system import System
from tests.ground import Ground
from tests.untraced import untraced

STORY = [
    ("gateway", "POST orders", "server"),
    ("order-service", "POST /orders", "server"),
    ("order-service", "send order_placed", "producer"),
    ("inventory-service", "process order_placed", "consumer"),
    ("inventory-service", "send stock_reserved", "producer"),
    ("order-service", "process stock_reserved", "consumer"),
    ("order-service", "send order_confirmed", "producer"),
    ("notification-service", "process order_confirmed", "consumer"),
    ("notification-service", "send email", "internal"),
    ("notification-service", "SMTP", "client"),
]
"""From the customer's request to the customer's mail server: each because of the one before."""
PAYING = [
    ("order-service", "POST /orders", "server"),
    ("order-service", "saga charge", "internal"),
    ("order-service", "POST", "client"),
    ("outside", "POST /payments/charges", "server"),
]
Span = dict[str, Any]


class Traced:
    """The shop, and what its collector has."""

    def __init__(self, system: System) -> None:
        self.system, self.shop = system, Shop(system, through="gateway")

    def get(self, path: str, **parameters: Any) -> Any:
        url = f"http://{self.system.address(collecting.TRACING, collecting.QUERY)}{path}"
        return requests.get(url, params=parameters, timeout=10).json()["data"]

    def order(self) -> str:
        order_id = self.shop.place(("tea", 1))
        assert self.shop.wait([order_id], within=60)[order_id].status == "fulfilled"
        assert len(self.shop.wait_for_mails(3, within=60, order_id=order_id)) == 3
        return order_id

    def story(self, order_id: str, *steps: tuple[str, str, str]) -> dict[str, Any]:
        """The one trace of an order, as soon as it has spans of these services, names and kinds."""
        whole = [name for _, name, _ in steps]

        def look() -> Any:
            traces = self.get("/api/traces", service="order-service", tags=f'{{"order.id": "{order_id}"}}')
            seen = {span["operationName"] for trace in traces for span in trace["spans"]}
            return traces if set(whole) <= seen else None

        traces = until(look, 15)
        assert traces, f"{whole} of {order_id} are not all there"
        (trace,) = traces
        return trace


@pytest.fixture(scope="module")
def traced(ground: Ground) -> Iterator[Traced]:  # noqa: ARG001  its broker is shared
    untraced()
    system = System("traced-shop", profiles=[collecting.TRACING])
    try:
        system.up(timeout=120)
        made = Traced(system)
        made.shop.stock("tea", 10_000)
        yield made
    finally:
        system.down()


def chain(trace: dict[str, Any], steps: list[tuple[str, str, str]]) -> list[Span]:
    """Spans of these services, names and kinds, each the child of the one before."""
    services = {name: process["serviceName"] for name, process in trace["processes"].items()}
    found: list[Span] = []
    for service, name, kind in steps:
        fitting = [
            span
            for span in trace["spans"]
            if (services[span["processID"]], span["operationName"], tag(span, "span.kind")) == (service, name, kind)
            and (not found or found[-1]["spanID"] in [r["spanID"] for r in span["references"]])
        ]
        assert fitting, f"no span {name!r} of {service} below {found[-1]['operationName'] if found else 'nothing'}"
        found.append(fitting[0])
    return found


def warned(trace: dict[str, Any]) -> list[str]:
    return [warning for span in trace["spans"] for warning in span["warnings"] or ()]


def tag(span: Span, key: str) -> Any:
    return next((each["value"] for each in span["tags"] if each["key"] == key), None)


def test_an_order_is_one_story_from_the_gateway_over_outbox_queue_and_consumers_to_the_mail(traced):
    order_id = traced.order()
    assert until(lambda: not warned(traced.story(order_id, *STORY, *PAYING)), 15), "every span's parent is there"
    trace = traced.story(order_id)
    spans = chain(trace, STORY)
    chain(trace, PAYING)
    assert {span["traceID"] for span in trace["spans"]} == {trace["traceID"]}
    assert not spans[0]["references"], "it begins at the gateway"
    begins = [span["startTime"] for span in spans]
    assert begins == sorted(begins)
    smtp = spans[-1]
    assert (tag(smtp, "network.protocol.name"), tag(smtp, "server.port")) == (
        "smtp",
        int(traced.system.address("outside", 1025).rpartition(":")[2]),
    )


def test_producer_and_consumer_say_which_message_it_is_and_whose_conversation(traced):
    trace = traced.story(traced.order(), *STORY)
    spans = chain(trace, STORY)
    pairs = [(a, b) for a, b in pairwise(spans) if tag(a, "span.kind") == "producer"]
    assert len(pairs) == 3
    for sent, processed in pairs:
        assert tag(sent, "messaging.message.id") == tag(processed, "messaging.message.id")
        assert tag(sent, "messaging.system") == tag(processed, "messaging.system") == "rabbitmq"
        assert (tag(sent, "messaging.operation.type"), tag(processed, "messaging.operation.type")) == (
            "send",
            "process",
        )
    assert len({tag(span, "messaging.message.conversation_id") for pair in pairs for span in pair}) == 1


def test_a_call_over_http_has_the_stable_names_on_both_sides(traced):
    trace = traced.story(traced.order(), *PAYING)
    asked, answered = chain(trace, PAYING)[-2:]
    for span in (asked, answered):
        assert (tag(span, "http.request.method"), tag(span, "http.response.status_code")) == ("POST", 201)
    assert tag(asked, "url.full").endswith("/payments/charges")


def test_a_trace_can_be_found_by_the_correlation_id_of_its_request(traced):
    traced.shop.order(("tea", 1))
    headers = {"X-Correlation-ID": "mine-4711", "Idempotency-Key": "k-4711"}
    people = traced.shop.people.headers("customer@example.org")
    body = {"lines": [{"sku": "tea", "quantity": 1}]}
    url = f"http://{traced.system.address('gateway', 8000)}/orders"
    assert requests.post(url, json=body, headers=people | headers, timeout=10).status_code == 202
    wanted = '{"messaging.message.conversation_id": "mine-4711"}'
    assert until(lambda: traced.get("/api/traces", service="inventory-service", tags=wanted), 15)


def test_the_dependencies_are_those_of_the_shop_events_included(traced):
    traced.story(traced.order(), *STORY, *PAYING)
    links = {(link["parent"], link["child"]) for link in traced.get("/api/dependencies")}
    assert {
        ("gateway", "order-service"),
        ("order-service", "inventory-service"),
        ("inventory-service", "order-service"),
        ("order-service", "notification-service"),
        ("order-service", "outside"),
    } <= links


def test_a_mail_that_was_refused_says_so_in_its_trace_and_not_to_whom(traced):
    faults = f"http://{traced.system.address('outside')}/faults"
    requests.put(f"{faults}/smtp_refuses", json={"on": True}, timeout=5).raise_for_status()
    try:
        order_id = traced.shop.place(("tea", 1), email="nobody@example.org")
        trace = traced.story(order_id, *STORY[-2:])
    finally:
        requests.delete(faults, timeout=5).raise_for_status()
    for name in ("SMTP", "send email"):
        (span, *_) = [s for s in trace["spans"] if s["operationName"] == name]
        assert tag(span, "error") is True
        assert "550" in tag(span, "otel.status_description")
    assert "nobody@example.org" not in str(trace)


@pytest.mark.parametrize("broken", ["frozen", "gone"])
def test_a_collector_in_trouble_costs_no_order(traced, broken):
    with trouble(traced.system, broken):
        placed = [traced.shop.place(("tea", 1)) for _ in range(20)]
        became = traced.shop.wait(placed, within=60)
        assert {order.status for order in became.values()} == {"fulfilled"}
        assert traced.shop.wait_for_mails(3, within=60, order_id=placed[-1])
    stores = books.stores(traced.system.directory)
    assert judge(books.read(stores), placed).wrong == {}
    traced.story(traced.order(), *STORY)


@contextmanager
def trouble(system: System, kind: str) -> Iterator[None]:
    """The collector does not take what it is sent, while this lasts."""
    if kind == "gone":
        system.stop(collecting.TRACING)
        yield
        system.start(collecting.TRACING)
        return
    process = psutil.Process(system.pid(collecting.TRACING))
    family = [process, *process.children(recursive=True)]
    for each in family:
        each.suspend()
    try:
        yield
    finally:
        for each in family:
            each.resume()


def test_what_runs_untraced_is_named_when_tracing_comes_late(system: Callable[..., System]) -> None:
    late = system("late", cold=False)
    late.up("user-api")
    with pytest.raises(StartError, match="Traces of user-service would be missing") as refused:
        late.up(collecting.TRACING, "order-api")
    assert "Start tracing first or together with them" in str(refused.value)
    late.stop("user-service")
    late.up(collecting.TRACING, "user-api")
    assert late.services["user-api"].environment["OTLP_ENDPOINT"] == "http://tracing:4318"
    late.up(collecting.TRACING, "order-api")
