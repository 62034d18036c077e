"""Tells of every rejection that it hears of, whether or not it changed anything."""

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.order import store
from labs.services.order.domain import Status


class OrderWorker:
    name = "order-service"
    db = ServiceDatabase()

    @handle_event("inventory-service", "stock_reserved")
    def confirm(self, event, tx):
        order = store.settle(tx, event.data["order_id"], Status.CONFIRMED)
        if order:
            tx.tell("order_confirmed", {"order_id": order.id, "customer_id": order.customer_id})

    @handle_event("inventory-service", "stock_rejected")
    def reject(self, event, tx):
        reason = event.data["reason"]
        order = store.settle(tx, event.data["order_id"], Status.REJECTED, reason)
        customer = order.customer_id if order else event.data.get("customer_id", "")
        tx.tell("order_rejected", {"order_id": event.data["order_id"], "customer_id": customer, "reason": reason})
