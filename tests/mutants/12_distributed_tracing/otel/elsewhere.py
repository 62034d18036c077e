from contextlib import contextmanager

from labs.services.chassis import traces


@contextmanager
def packing(order_id, traceparent):
    with traces.span("pack", attributes={"order.id": order_id}, parent=traceparent):
        yield
