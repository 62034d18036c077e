"""Overwrites what was counted before."""

from sqlalchemy import text

from labs.services.chassis.handler import ServiceDatabase, handle_event

COUNT = text("INSERT INTO demand VALUES (:sku, :pieces) ON CONFLICT (sku) DO UPDATE SET pieces = :pieces")


class AnalyticsWorker:
    name = "analytics-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_placed")
    def count(self, event, tx):
        for line in event.data["lines"]:
            tx.execute(COUNT, {"sku": line["sku"], "pieces": line["quantity"]})
