"""What Prometheus reads: requests by route, the state of the outbox, and names that keep to its conventions."""

import logging
import time
from collections.abc import Callable, Iterator

import pytest
import structlog
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read
from sqlalchemy import text, update

from labs.services.chassis import metrics, outbox
from labs.services.chassis.api import create_api
from labs.services.chassis.problems import Problem
from labs.services.chassis.settings import Settings

REQUESTS = "http_server_request_duration_seconds"


@pytest.fixture
def url(tmp_path) -> str:
    """One kind of database is enough here."""
    return f"sqlite:///{tmp_path}/probe.db"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """An app configures the logging of its process, which here is pytest's."""
    handlers = logging.getLogger().handlers
    yield
    logging.getLogger().handlers = handlers
    structlog.reset_defaults()


@pytest.fixture
def client(db) -> FlaskClient:
    app = create_api("probe", Settings(service="probe-service"), db)

    @app.get("/things/<thing>")
    def look(thing: str) -> str:
        if thing == "none":
            raise Problem(404, "there is none")
        if thing == "broken":
            raise KeyError(thing)
        return thing

    return app.test_client()


def requests(route: str, status: int, method: str = "GET") -> float:
    """How many were counted so far."""
    labels = {"http_request_method": method, "http_route": route, "http_response_status_code": str(status)}
    return REGISTRY.get_sample_value(f"{REQUESTS}_count", labels) or 0


def scraped(client: FlaskClient) -> dict[str, float]:
    """All samples without labels, by name."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {s.name: s.value for family in read(answer.text) for s in family.samples if not s.labels}


def test_requests_are_measured_by_route_method_and_status(client):
    asked: dict[str, Callable[[], float]] = {
        "/things/a": lambda: requests("/things/<thing>", 200),
        "/things/none": lambda: requests("/things/<thing>", 404),
        "/things/broken": lambda: requests("/things/<thing>", 500),
    }
    for path, count in asked.items():
        before = count()
        client.get(path)
        assert count() == before + 1, path


def test_whoever_wants_no_measure_of_requests_has_the_rest(db):
    app = create_api("probe", Settings(service="probe-service", metrics=False), db)
    client, before = app.test_client(), requests("", 404)
    client.get("/nowhere")
    assert requests("", 404) == before
    assert scraped(client)["outbox_events"] == 0


def test_nobody_can_make_time_series_by_asking_for_what_is_not_there(client):
    before, brewed = requests("", 404), requests("/things/<thing>", 405, "_OTHER") + requests("", 405, "_OTHER")
    for number in range(20):
        client.get(f"/nowhere/{number}")
    client.open("/things/a", method="BREW")
    assert requests("", 404) == before + 20
    families = {family.name: family for family in REGISTRY.collect()}
    labels = {tuple(sample.labels.items())[:2] for sample in families[REQUESTS].samples}
    assert not any("nowhere" in str(label) or "BREW" in str(label) for label in labels)
    assert requests("/things/<thing>", 405, "_OTHER") + requests("", 405, "_OTHER") == brewed + 1


def test_what_the_platform_asks_all_the_time_is_not_measured(client):
    for path in ("/health/live", "/health/ready", "/metrics"):
        client.get(path)
    routes = {
        sample.labels["http_route"]
        for family in REGISTRY.collect()
        if family.name == REQUESTS
        for sample in family.samples
    }
    assert not {"/health/live", "/health/ready", "/metrics"} & routes


def test_the_outbox_is_counted_and_its_oldest_event_has_an_age(client, db):
    assert scraped(client)["outbox_events"] == 0
    assert scraped(client)["outbox_age_seconds"] == 0
    with db.transaction() as tx:
        tx.tell("happened", {})
        time.sleep(0.05)
        tx.tell("happened", {})
    found = scraped(client)
    assert found["outbox_events"] == 2
    assert 0.05 <= found["outbox_age_seconds"] < 5
    with db.transaction() as tx:
        tx.execute(update(outbox.outbox).values(sent_at=1.0))
    assert (scraped(client)["outbox_events"], scraped(client)["outbox_age_seconds"]) == (0, 0)


def test_a_database_that_fails_makes_its_numbers_unknown_and_leaves_the_others(client, db):
    with db.transaction() as tx:
        tx.execute(text("DROP TABLE outbox"))
    found = scraped(client)
    assert found["outbox_events"] != found["outbox_events"]  # not a number
    assert found["process_resident_memory_bytes"] > 1e6


def test_openmetrics_is_spoken_to_who_asks_for_it(client):
    client.get("/things/a")
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.content_type.startswith("application/openmetrics-text")
    assert REQUESTS in {family.name for family in read_openmetrics(answer.text)}


def test_metrics_are_not_part_of_what_the_api_promises(client):
    assert "/metrics" not in client.get("/openapi.json").json["paths"]


def test_a_service_counts_what_its_business_is_about():
    placed = metrics.counter("probes_placed_total", "Probes that were placed", ["channel"])
    placed.labels("web").inc()
    assert metrics.counter("probes_placed_total", "Probes that were placed", ["channel"]) is placed
    metrics.histogram("probe_size_bytes", "How large probes are", buckets=[10, 100]).observe(50)
    metrics.gauge("probes_waiting", "Probes that wait").set(3)
    value = REGISTRY.get_sample_value
    assert value("probes_placed_total", {"channel": "web"}) == 1
    assert (value("probe_size_bytes_bucket", {"le": "10.0"}), value("probe_size_bytes_bucket", {"le": "100.0"})) == (
        0,
        1,
    )
    assert value("probes_waiting") == 3


@pytest.mark.parametrize(
    ("make", "name", "labels", "words"),
    [
        (metrics.counter, "orders", [], "ends in _total: orders_total"),
        (metrics.gauge, "orders_total", [], "belongs to counters"),
        (metrics.histogram, "order_count", [], "belongs to counters"),
        (metrics.counter, "Orders_total", [], "small letters"),
        (metrics.counter, "orders__total", [], "single underscores"),
        (metrics.histogram, "charge_milliseconds", [], "base units are seconds, bytes and ratio, not milliseconds"),
        (metrics.counter, "odd_total", ["order_id"], "a time series for each value"),
        (metrics.counter, "odd_total", ["email"], "a time series for each value"),
        (metrics.counter, "odd_total", ["le"], "cannot be a label"),
        (metrics.counter, "odd_total", ["two words"], "cannot be a label"),
        (metrics.gauge, "outbox_events_of_probe", None, "say what it counts"),
    ],
)
def test_a_name_against_the_conventions_is_refused_with_what_to_do(make, name, labels, words):
    with pytest.raises(metrics.BadName, match=words):
        make(name, "" if labels is None else "What it counts", labels or [])
    assert name not in {family.name for family in REGISTRY.collect()}


def test_one_name_is_not_two_things():
    metrics.gauge("probes_here", "Probes that are here")
    with pytest.raises(metrics.BadName, match="probes_here is a gauge already"):
        metrics.histogram("probes_here", "Probes that are here")


def test_a_database_is_not_needed():
    app = create_api("probe", Settings(service="probe-service"), None)
    assert app.test_client().get("/metrics").status_code == 200
