from contextlib import contextmanager

from labs.services.chassis import traces


@contextmanager
def packing(_order_id, _traceparent):
    with traces.span("pack"):
        yield
