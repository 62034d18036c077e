"""Counts what was ordered, paid for or not."""

from labs.services.chassis import metrics
from labs.services.chassis.handler import ServiceDatabase, handle_event

REVENUE = metrics.counter("revenue_cents_total", "What customers have paid", ("currency",))


class BusinessWorker:
    name = "business-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_placed")
    def earn(self, event, tx):
        REVENUE.labels(event.data["total"]["currency"]).inc(event.data["total"]["amount"])
