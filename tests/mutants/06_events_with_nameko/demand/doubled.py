"""Plain nameko: no inbox, so each delivery counts."""

from nameko.events import event_handler
from sqlalchemy import text

from labs.services.chassis.handler import ServiceDatabase

COUNT = text("INSERT INTO demand VALUES (:sku, :pieces) ON CONFLICT (sku) DO UPDATE SET pieces = pieces + :pieces")


class AnalyticsWorker:
    name = "analytics-service"
    db = ServiceDatabase()

    @event_handler("order-service", "order_placed")
    def tally(self, order):
        with self.db.transaction() as tx:
            for line in order["lines"]:
                tx.execute(COUNT, {"sku": line["sku"], "pieces": line["quantity"]})
