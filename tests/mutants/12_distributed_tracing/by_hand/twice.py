from contextlib import contextmanager

from labs.services.tracelib.jaeger import tracer_of

TRACER = tracer_of("parcels-service")


@contextmanager
def packing(order_id, _traceparent):
    with TRACER.start_span("pack") as span, TRACER.start_span("pack", child_of=span) as inner:
        span.set_tag("order.id", order_id)
        inner.set_tag("order.id", order_id)
        yield
