"""labs/infra/signals.py says which service emits which trace, metric and log; each line of it is held to a shop at work."""

import pytest

from labs.infra.contracts import told
from labs.infra.signals import EVERY_SERVICE, SIGNALS, Emits
from tests.signals.working import Working

NEWCOMER = Emits("loyalty-service", hears=("order-service.order_fulfilled",))
"""A new service is one line."""
TABLE = {row.service: row for row in (*SIGNALS, NEWCOMER)}
NOT_OURS = ("python_", "process_")
"""How metrics begin that prometheus-client has of every Python process."""


def pairs(kind: str) -> list[object]:
    """Each service with each of its entries of one kind."""
    entries = [(service, entry) for service, row in TABLE.items() for entry in getattr(row, kind)]
    return [pytest.param(service, entry, id=f"{service} {kind} {entry}") for service, entry in entries]


def value(seen: Working, service: str, name: str, **labels: str) -> float:
    fitting = [s for s in seen.samples[service] if s.name == name and labels.items() <= s.labels.items()]
    return sum(sample.value for sample in fitting)


@pytest.mark.parametrize(("service", "route"), pairs("answers"))
def test_what_it_answers_is_traced_measured_and_logged(seen: Working, service: str, route: str) -> None:
    method, path = route.split(" ")
    spans = [span for span in seen.spans.values() if (span["service"], span["kind"]) == (service, "server")]
    assert route in {span["operationName"] for span in spans}
    series = {"http_request_method": method, "http_route": path}
    assert value(seen, service, "http_server_request_duration_seconds_count", **series) > 0
    beginning = f"{method} {path.partition('<')[0]}"
    assert any(line.startswith(beginning) for line in seen.lines[service])


@pytest.mark.parametrize(("service", "other"), pairs("asks"))
def test_whom_it_asks_is_below_it_in_its_traces(seen: Working, service: str, other: str) -> None:
    answered = [span for span in seen.spans.values() if (span["service"], span["kind"]) == (other, "server")]
    asked_by = {(above["service"], above["kind"]) for span in answered for above in seen.parents(span)}
    assert {(service, "client"), (service, "server")} & asked_by, "the gateway has one span for both"


@pytest.mark.parametrize(("service", "name"), pairs("calls"))
def test_calls_are_counted_by_how_they_ended(seen: Working, service: str, name: str) -> None:
    assert value(seen, service, "client_calls_total", dependency=name, outcome="answered") > 0


@pytest.mark.parametrize(("service", "event"), pairs("hears"))
def test_what_it_hears_goes_on_the_tellers_trace_and_is_measured_and_logged(
    seen: Working, service: str, event: str
) -> None:
    source, _, event_type = event.partition(".")
    heard = [span for span in seen.spans.values() if (span["service"], span["kind"]) == (service, "consumer")]
    processed = [span for span in heard if span["operationName"] == f"process {event_type}"]
    senders = {(a["service"], a["kind"], a["operationName"]) for span in processed for a in seen.parents(span)}
    assert senders == {(source, "producer", f"send {event_type}")}
    measured = "messaging_process_duration_seconds_count"
    queues = [s.labels["messaging_destination_name"] for s in seen.samples[service] if s.name == measured and s.value]
    assert any(queue.startswith(f"evt-{source}-{event_type}--{service}.") for queue in queues)
    assert f"handling {event_type}" in seen.lines[service]


@pytest.mark.parametrize(("service", "event_type"), pairs("tells"))
def test_what_it_tells_is_traced_counted_and_logged(seen: Working, service: str, event_type: str) -> None:
    spans = {(span["service"], span["kind"], span["operationName"]) for span in seen.spans.values()}
    assert (service, "producer", f"send {event_type}") in spans
    assert value(seen, service, "events_published_total", cloudevents_event_type=event_type) > 0
    assert f"told {event_type}" in seen.lines[service]


@pytest.mark.parametrize(("service", "metric"), pairs("counts"))
def test_what_it_counts_is_there(seen: Working, service: str, metric: str) -> None:
    assert metric in {sample.name for sample in seen.samples[service]}


@pytest.mark.parametrize("service", [service for service in TABLE if service != "gateway"])
def test_no_metric_is_missing_from_the_table(seen: Working, service: str) -> None:
    known = EVERY_SERVICE | set(TABLE[service].counts)
    names = {sample.name for sample in seen.samples[service] if not sample.name.startswith(NOT_OURS)}
    base = {
        name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum").removesuffix("_created")
        for name in names
    }
    assert {name for name in base if not {name, f"{name}_total"} & known} == set()


@pytest.mark.parametrize("row", SIGNALS, ids=lambda row: row.service)
def test_no_event_is_missing_from_the_table(row: Emits) -> None:
    assert set(row.tells) == {each.type for each in told.told() if each.source == row.service}
    assert set(row.hears) == {f"{each.source}.{each.type}" for each in told.handlers() if each.service == row.service}


def test_no_service_is_missing_from_the_table(seen: Working) -> None:
    at_work = {span["service"] for span in seen.spans.values()}
    assert at_work - TABLE.keys() == set()
