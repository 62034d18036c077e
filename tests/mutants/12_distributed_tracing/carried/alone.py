from contextlib import contextmanager

from labs.services.tracelib.jaeger import tracer_of

from labs.services.chassis import traces

TRACER = tracer_of("parcels-service")


@contextmanager
def packing(order_id, _traceparent):
    with TRACER.start_span("pack") as pack:
        pack.set_tag("order.id", order_id)
        own = pack.context
        with traces.within(f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.flags:02x}"):
            yield
