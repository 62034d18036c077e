"""A typing error in the name of an event."""

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.inventory import store
from labs.services.inventory.domain import Line


class InventoryWorker:
    name = "inventory-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_placed")
    def reserve(self, event, tx):
        order_id = event.data["order_id"]
        if not store.reserve(tx, order_id, [Line(**line) for line in event.data["lines"]]):
            tx.tell("stock_reservd", {"order_id": order_id})
