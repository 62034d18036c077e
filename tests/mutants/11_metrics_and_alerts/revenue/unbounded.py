"""A series for each customer."""

from labs.services.chassis import metrics
from labs.services.chassis.handler import ServiceDatabase, handle_event

REVENUE = metrics.counter("revenue_cents_total", "What customers have paid", ("currency", "buyer"))


class BusinessWorker:
    name = "business-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_paid")
    def earn(self, event, tx):
        REVENUE.labels(event.data["currency"], event.data["customer_id"]).inc(event.data["amount"])
