"""Events of inventory-service: an order was placed, so its pieces are reserved, or it is said why not."""

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.chassis.rpc import rpc
from labs.services.inventory import store
from labs.services.inventory.domain import Line


class InventoryWorker:
    """Listens to order-service, tells stock_reserved or stock_rejected."""

    name = "inventory-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_placed")
    def reserve(self, event, tx):
        """All lines of the order or none."""
        order_id = event.data["order_id"]
        shortages = store.reserve(tx, order_id, [Line(**line) for line in event.data["lines"]])
        if shortages:
            tx.tell("stock_rejected", {"order_id": order_id, "reason": "; ".join(map(str, shortages))})
        else:
            tx.tell("stock_reserved", {"order_id": order_id})

    @rpc
    def available(self, sku):
        """The question of GET /stock/{sku}, over the broker: pieces available, or None for an unknown SKU."""
        with self.db.reading() as session:
            return store.available(session, sku)
