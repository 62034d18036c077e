"""Numbers for Prometheus at /metrics: every request and event by rate, errors and duration, and what a service adds of its own.

Names are those of OpenTelemetry's semantic conventions as Prometheus spells them. A process counts for itself; where
gunicorn.py runs several, they count together (multiprocess.py)."""

import re
import time
from collections.abc import Sequence
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, request
from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from sqlalchemy.exc import SQLAlchemyError

from labs.services.chassis import multiprocess, outbox, traces
from labs.services.chassis.database import Database
from labs.services.chassis.health import QUIET

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Upper bounds in seconds, those that OpenTelemetry advises for durations."""
BEGAN = "chassis.began"
"""Where a request keeps the moment of its beginning."""
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TAKEN = ("_total", "_count", "_sum", "_bucket", "_created", "_info")
NOT_BASE = {"milliseconds", "ms", "minutes", "hours", "days", "kilobytes", "megabytes", "percent"}
UNBOUNDED = re.compile(r"(.*_)?(id|ids|key|email|path|url|sku|token|user|customer)")
"""Labels with a value for each order or customer: a time series each, for ever."""
RESERVED = {"le", "quantile", "job", "instance"}
M = TypeVar("M", Counter, Gauge, Histogram)
_made: dict[str, Any] = {}
disable_created_metrics()  # a second series for each one, which nobody asks for


class BadName(ValueError):
    """A metric that Prometheus' conventions forbid; the message says what to do instead."""


def counter(name: str, description: str, labels: Sequence[str] = ()) -> Counter:
    """What only grows, e.g. `orders_placed_total`. Asked for again it is the same one. Raises BadName."""
    if not name.endswith("_total"):
        raise BadName(f"a counter ends in _total: {name}_total")
    return _make(Counter, name, description, labels)


def gauge(name: str, description: str, labels: Sequence[str] = (), shared: bool = False) -> Gauge:
    """What goes up and down, e.g. `outbox_events`. Asked for again it is the same one. Where several processes count together
    theirs are added up; one that is `shared` tells of what they all look at, such as a table: there the latest look counts, and
    it can only be set. Raises BadName."""
    return _make(Gauge, name, description, labels, multiprocess_mode="livemostrecent" if shared else "livesum")


def histogram(name: str, description: str, labels: Sequence[str] = (), buckets: Sequence[float] = BUCKETS) -> Histogram:
    """How long or large things are, in base units, e.g. `charge_duration_seconds`. Buckets: upper bounds. Raises BadName."""
    return _make(Histogram, name, description, labels, buckets=buckets)


def _make(kind: type[M], name: str, description: str, labels: Sequence[str], **options: Any) -> M:
    if kind is not Counter and name.endswith(TAKEN):
        raise BadName(f"{name}: its ending belongs to counters and to Prometheus' own series")
    if not NAME.fullmatch(name):
        raise BadName(f"{name}: small letters and digits, words joined by single underscores")
    if wrong := NOT_BASE & set(name.split("_")):
        raise BadName(f"{name}: Prometheus' base units are seconds, bytes and ratio, not {wrong.pop()}")
    if not description:
        raise BadName(f"{name}: say what it counts")
    for label in labels:
        if not NAME.fullmatch(label) or label in RESERVED:
            raise BadName(f"{name}: {label!r} cannot be a label of ours")
        if UNBOUNDED.fullmatch(label):
            raise BadName(f"{name}: {label!r} would make a time series for each value; put it into logs and traces")
    if name not in _made:
        _made[name] = kind(name, description, labels, **options)
    found = _made[name]
    if not isinstance(found, kind):
        raise BadName(f"{name} is a {type(found).__name__.lower()} already")
    return found


REQUESTS = histogram(
    "http_server_request_duration_seconds",
    "Requests by their route, as the service's own code names it",
    ("http_request_method", "http_route", "http_response_status_code"),
)
OUTBOX = gauge("outbox_events", "Events that are committed and not confirmed by the broker", shared=True)
OUTBOX_AGE = gauge("outbox_age_seconds", "How long the oldest of them has been waiting; 0 if none is", shared=True)


def endpoint(db: Database | None = None) -> Blueprint:
    """GET /metrics in the format that the asker prefers; with a database the state of its outbox too."""
    metrics = Blueprint("metrics", __name__)

    @metrics.get("/metrics")
    def expose() -> Response:
        if db:
            _look(db)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        with multiprocess.registry() as registry:
            return Response(encode(registry), content_type=content_type)

    return metrics


def install(app: Flask) -> None:
    """Measure each request of this app."""

    @app.before_request
    def begin() -> None:
        request.environ[BEGAN] = time.perf_counter()

    @app.after_request
    def measure(response: Response) -> Response:
        asked = request._get_current_object()  # type: ignore[attr-defined]  # each look through the proxy costs a microsecond
        if not asked.path.startswith(QUIET):
            method = asked.method if asked.method in METHODS else "_OTHER"
            route = asked.url_rule.rule if asked.url_rule else ""  # not the path: anybody may ask for anything
            series = REQUESTS.labels(method, route, response.status_code)
            series.observe(time.perf_counter() - asked.environ[BEGAN], traces.exemplar())
        return response


def _look(db: Database) -> None:
    """What a database cannot tell now is not a number."""
    known: tuple[float, float]
    try:
        with db.reading() as session:
            known = outbox.backlog(session)
    except SQLAlchemyError:
        known = float("nan"), float("nan")
    for series, value in zip((OUTBOX, OUTBOX_AGE), known, strict=True):
        series.set(value)
