"""Takes the event for a dictionary."""

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.inventory import store
from labs.services.inventory.domain import Line


class InventoryWorker:
    name = "inventory-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_placed")
    def reserve(self, event, tx):
        store.reserve(tx, event["order_id"], [Line(**line) for line in event["lines"]])
        tx.tell("stock_reserved", {"order_id": event["order_id"]})
