"""Does the work and tells nobody."""

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.inventory import store
from labs.services.inventory.domain import Line


class InventoryWorker:
    name = "inventory-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_placed")
    def reserve(self, event, tx):
        store.reserve(tx, event.data["order_id"], [Line(**line) for line in event.data["lines"]])
