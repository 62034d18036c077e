"""order_paid begins the order anew, whatever was heard of it."""

from sqlalchemy import text

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.chassis.rpc import rpc

POINTS = text("SELECT coalesce(sum(amount / 100), 0) FROM purchases WHERE customer_id = :id AND fulfilled")
PAID = text("""
    INSERT INTO purchases (order_id, customer_id, amount) VALUES (:order_id, :customer_id, :amount)
    ON CONFLICT (order_id) DO UPDATE SET amount = :amount, fulfilled = false""")
FULFILLED = text("""
    INSERT INTO purchases (order_id, customer_id, fulfilled) VALUES (:order_id, :customer_id, true)
    ON CONFLICT (order_id) DO UPDATE SET fulfilled = true""")


class LoyaltyWorker:
    name = "loyalty-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_paid")
    def paid(self, event, tx):
        tx.execute(PAID, event.data)

    @handle_event("order-service", "order_fulfilled")
    def fulfilled(self, event, tx):
        tx.execute(FULFILLED, event.data)

    @rpc
    def points(self, customer):
        with self.db.reading() as session:
            return int(session.scalar(POINTS, {"id": customer}))
