"""Takes an order for a single line."""

from sqlalchemy import text

from labs.services.chassis.handler import ServiceDatabase, handle_event

COUNT = text("INSERT INTO demand VALUES (:sku, :pieces) ON CONFLICT (sku) DO UPDATE SET pieces = pieces + :pieces")


class AnalyticsWorker:
    name = "analytics-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_placed")
    def count(self, event, tx):
        line = event.data["lines"][0]
        tx.execute(COUNT, {"sku": line["sku"], "pieces": line["quantity"]})
