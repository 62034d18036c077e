"""Events of order-service: the stock answered, so the order goes on or comes to nothing; its saga does the rest."""

import time

from nameko.timer import timer

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.order import nightly, prices, settlement, store
from labs.services.order.domain import Price, Status
from labs.services.order.sagas import Sagas


class OrderWorker:
    """Listens to inventory-service, tells what becomes of an order."""

    name = "order-service"
    db = ServiceDatabase()
    sagas = Sagas()

    @handle_event("inventory-service", "stock_reserved")
    def confirm(self, event, tx):
        """The pieces are ours."""
        order = store.settle(tx, event.data["order_id"], Status.CONFIRMED)
        if order:
            tx.tell("order_confirmed", {"order_id": order.id, "customer_id": order.customer_id})

    @handle_event("inventory-service", "stock_rejected")
    def reject(self, event, tx):
        """The pieces are not there; the reason goes to the customer."""
        order_id, reason = event.data["order_id"], event.data["reason"]
        order = store.settle(tx, order_id, Status.REJECTED, reason)
        if order:
            tx.tell("order_rejected", {"order_id": order.id, "customer_id": order.customer_id, "reason": reason})
        else:
            store.lose(tx, order_id, reason)

    @handle_event("inventory-service", "stock_overdue")
    def give_up(self, event, tx):
        """The payment takes too long; the pieces wait until this order is paid for or comes to nothing."""
        store.give_up(tx, event.data["order_id"])

    @handle_event("inventory-service", "price_changed")
    def price(self, event, tx):
        """The next order costs this."""
        changed = event.data
        prices.keep(tx, changed["sku"], Price(changed["amount"], changed["currency"], changed["version"]))

    @handle_event("order-service", "settlement_asked")
    def settle(self, event, tx):
        """A day's books are to be compared."""
        settlement.begin(tx, event.data["day"])

    @timer(interval=5)
    def ask_for_settlements(self):
        """Every day that is over is to be settled."""
        nightly.ask(self.db, time.time())

    @timer(interval=1)
    def settle_days(self):
        """Compare those that are due."""
        settlement.carry_on(self.db, self.sagas.payments)
