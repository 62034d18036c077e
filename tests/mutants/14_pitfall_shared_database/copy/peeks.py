"""What the event does not say is looked up next door."""

import os

from sqlalchemy import create_engine, make_url, text

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.chassis.rpc import rpc

POINTS = text("SELECT coalesce(sum(amount / 100), 0) FROM purchases WHERE customer_id = :id AND fulfilled")
ORDERS = create_engine(make_url(os.environ["DATABASE_URL"]).set(database="order"))
AMOUNT = text("SELECT amount FROM orders WHERE id = :order_id")
FULFILLED = text("""
    INSERT INTO purchases (order_id, customer_id, amount, fulfilled) VALUES (:order_id, :customer_id, :amount, true)
    ON CONFLICT (order_id) DO UPDATE SET amount = :amount, fulfilled = true""")


class LoyaltyWorker:
    name = "loyalty-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_paid")
    def paid(self, event, tx):
        """It knows too little."""

    @handle_event("order-service", "order_fulfilled")
    def fulfilled(self, event, tx):
        with ORDERS.connect() as theirs:
            amount = theirs.scalar(AMOUNT, event.data)
        tx.execute(FULFILLED, {**event.data, "amount": amount})

    @rpc
    def points(self, customer):
        with self.db.reading() as session:
            return int(session.scalar(POINTS, {"id": customer}))
