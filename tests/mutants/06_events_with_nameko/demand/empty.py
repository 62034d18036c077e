"""Keeps the count in memory, where a restart loses it and nobody can ask for it."""

from collections import Counter

from labs.services.chassis.handler import ServiceDatabase, handle_event

DEMAND: Counter[str] = Counter()


class AnalyticsWorker:
    name = "analytics-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_placed")
    def count(self, event, tx):
        for line in event.data["lines"]:
            DEMAND[line["sku"]] += line["quantity"]
