"""Reserves line by line and leaves what it got when one is short."""

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.inventory import store
from labs.services.inventory.domain import Line


class InventoryWorker:
    name = "inventory-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_placed")
    def reserve(self, event, tx):
        order_id = event.data["order_id"]
        for line in event.data["lines"]:
            if store.reserve(tx, order_id, [Line(**line)]):
                tx.tell("stock_rejected", {"order_id": order_id, "reason": line["sku"]})
                return
        tx.tell("stock_reserved", {"order_id": order_id})
