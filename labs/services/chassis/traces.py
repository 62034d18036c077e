"""Traces by W3C Trace Context and OpenTelemetry: what happened because of what, across requests, outbox and broker.

Spans of requests are made by hand, with OpenTelemetry's API. Measured on a POST with two INSERTs, 600 µs of CPU: its Flask
middleware adds 90 µs to a request that is not sampled and 170 µs to one that is; the hooks below 10 and 35, export included.
Calls by `requests` are rare enough for its own instrumentation. Without OTLP_ENDPOINT nothing is recorded; ids travel all the
same, and are in the logs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracer, Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from labs.services.chassis.settings import Settings

if TYPE_CHECKING:
    from flask import Flask, Response
    from opentelemetry.sdk.trace import TracerProvider

HEADER = "traceparent"
BEGUN = "chassis.span"
"""Where a request keeps its span."""
_w3c = TraceContextTextMapPropagator()
_provider: "TracerProvider | None" = None
_tracer: Tracer = NoOpTracer()


def configure(settings: Settings) -> None:
    """Trace as these settings say from now on; what was recorded under earlier ones is handed over."""
    # Here and not above, since what only opens a database, such as a migration, needs none of it.
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased

    global _provider, _tracer
    flush()
    resource = Resource({"service.name": settings.service})
    if settings.otlp_endpoint:
        from labs.services.chassis.exporter import batches  # another 0.1 s, for a process with a collector

        _provider = TracerProvider(ParentBased(TraceIdRatioBased(settings.trace_ratio)), resource)
        _provider.add_span_processor(batches(settings.otlp_endpoint, settings.otlp_timeout))
    else:
        _provider = TracerProvider(ParentBased(ALWAYS_OFF), resource, shutdown_on_exit=False)
    _tracer = _provider.get_tracer(__name__)
    calls = RequestsInstrumentor()
    if calls.is_instrumented_by_opentelemetry:
        calls.uninstrument()
    calls.instrument(tracer_provider=_provider)


def flush() -> None:
    """Hand over what is recorded; takes exporter.LEAVING seconds at most. Nothing is recorded afterwards."""
    if _provider:
        _provider.shutdown()


def install(app: "Flask") -> None:
    """A span for each request of this app, which goes on the caller's trace."""
    from flask import request

    from labs.services.chassis.health import QUIET

    @app.before_request
    def begin() -> None:
        asked = request._get_current_object()  # type: ignore[attr-defined]  # each look through the proxy costs a microsecond
        if asked.path.startswith(QUIET):
            return
        route = asked.url_rule.rule if asked.url_rule else ""
        seen = {"http.request.method": asked.method, "http.route": route, "url.path": asked.path}
        above = _w3c.extract(asked.headers, Context()) if HEADER in asked.headers else Context()
        span = _tracer.start_span(f"{asked.method} {route}".strip(), above, SpanKind.SERVER, seen)
        asked.environ[BEGUN] = span, context.attach(trace.set_span_in_context(span))

    @app.after_request
    def answered(response: "Response") -> "Response":
        span = trace.get_current_span()
        if span.is_recording():
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
        return response

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        if begun := request.environ.pop(BEGUN, None):
            span, token = begun
            context.detach(token)
            span.end()


@contextmanager
def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, Any] | None = None, parent: str = ""
) -> Iterator[Span]:
    """Something that takes time; an exception is noted on it. `parent` is a traceparent, by default the span around it."""
    with _tracer.start_as_current_span(name, above(parent), kind, attributes) as begun:
        yield begun


@contextmanager
def within(parent: str) -> Iterator[None]:
    """What is told or asked inside goes on from this traceparent, whoever has recorded its span."""
    token = context.attach(above(parent) or Context())
    try:
        yield
    finally:
        context.detach(token)


def begun(name: str, kind: SpanKind, attributes: Mapping[str, Any], parent: str) -> Span:
    """A span that is not the current one; it counts once its `end` is called, and never if it is not."""
    return _tracer.start_span(name, above(parent), kind, attributes)


def over(name: str, kind: SpanKind, attributes: Mapping[str, Any], began: int, error: BaseException | None) -> None:
    """A span of something that is over, from `began` (nanoseconds since the epoch) until now, inside the current one."""
    past = _tracer.start_span(name, None, kind, attributes, start_time=began)
    if error:
        failed(error, past)
    past.end()


def note(name: str, value: str) -> None:
    """What the current span is about, such as an order's id, so that it can be searched for."""
    trace.get_current_span().set_attribute(name, value)


def failed(error: BaseException, span: Span | None = None) -> None:
    """Note on this span, or on the current one, why what it stands for failed."""
    noted = span or trace.get_current_span()
    noted.record_exception(error)
    noted.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}"[:300])


def above(parent: str) -> Context | None:
    """The context that a traceparent names; None, that of the caller, for an empty one. An invalid one begins a new trace."""
    return _w3c.extract({HEADER: parent}, Context()) if parent else None


def traceparent(of: Span | None = None) -> str:
    """Of this span, or of the current one; empty outside of any."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier, trace.set_span_in_context(of) if of else None)
    return carrier.get(HEADER, "")


def exemplar() -> dict[str, str] | None:
    """What leads from a measurement to its trace; None if that is not recorded."""
    now = trace.get_current_span()
    return {"trace_id": f"{now.get_span_context().trace_id:032x}"} if now.is_recording() else None


def ids() -> dict[str, str]:
    """`trace.id` and `span.id` of now, by the names of Elastic Common Schema; empty outside of any span."""
    now = trace.get_current_span().get_span_context()
    return {"trace.id": f"{now.trace_id:032x}", "span.id": f"{now.span_id:016x}"} if now.is_valid else {}
