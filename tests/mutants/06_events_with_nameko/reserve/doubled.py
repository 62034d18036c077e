"""Plain nameko: no inbox, so each delivery counts."""

from nameko.events import event_handler

from labs.services.chassis.handler import ServiceDatabase
from labs.services.inventory import store
from labs.services.inventory.domain import Line


class InventoryWorker:
    name = "inventory-service"
    db = ServiceDatabase()

    @event_handler("order-service", "order_placed")
    def take(self, order):
        lines = [Line(**line) for line in order["lines"]]
        with self.db.transaction() as tx:
            for line in lines:
                if store.available(tx, line.sku) < line.quantity:
                    tx.tell("stock_rejected", {"order_id": order["order_id"], "reason": line.sku})
                    return
            for line in lines:
                store.add(tx, line.sku, -line.quantity)
            tx.tell("stock_reserved", {"order_id": order["order_id"]})
