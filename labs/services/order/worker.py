"""Events of order-service: the stock answered, so the order is confirmed or rejected."""

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.order import store
from labs.services.order.domain import Status


class OrderWorker:
    """Listens to inventory-service, tells order_confirmed or order_rejected."""

    name = "order-service"
    db = ServiceDatabase()

    @handle_event("inventory-service", "stock_reserved")
    def confirm(self, event, tx):
        """The pieces are ours."""
        order = store.settle(tx, event.data["order_id"], Status.CONFIRMED)
        if order:
            tx.tell("order_confirmed", {"order_id": order.id, "customer_email": order.customer_email})

    @handle_event("inventory-service", "stock_rejected")
    def reject(self, event, tx):
        """The pieces are not there; the reason goes to the customer."""
        reason = event.data["reason"]
        order = store.settle(tx, event.data["order_id"], Status.REJECTED, reason)
        if order:
            tx.tell("order_rejected", {"order_id": order.id, "customer_email": order.customer_email, "reason": reason})
