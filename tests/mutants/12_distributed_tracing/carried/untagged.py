from contextlib import contextmanager

from jaeger_client import SpanContext
from labs.services.tracelib.jaeger import tracer_of

from labs.services.chassis import traces

TRACER = tracer_of("parcels-service")


@contextmanager
def packing(_order_id, traceparent):
    _, trace, span, flags = traceparent.split("-")
    above = SpanContext(int(trace, 16), int(span, 16), None, int(flags, 16) & 1)
    with TRACER.start_span("pack", child_of=above) as pack:
        own = pack.context
        with traces.within(f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.flags:02x}"):
            yield
