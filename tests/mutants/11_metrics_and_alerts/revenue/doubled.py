"""Plain nameko: no inbox, so each delivery counts."""

from nameko.events import event_handler

from labs.services.chassis import metrics
from labs.services.chassis.handler import ServiceDatabase

REVENUE = metrics.counter("revenue_cents_total", "What customers have paid", ("currency",))


class BusinessWorker:
    name = "business-service"
    db = ServiceDatabase()

    @event_handler("order-service", "order_paid")
    def tally(self, paid):
        REVENUE.labels(paid["currency"]).inc(paid["amount"])
