"""Events of inventory-service: what becomes of an order, so its pieces are reserved, released or gone; and batch work."""

import time

from nameko.timer import timer

from labs.services.chassis import metrics
from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.chassis.rpc import rpc
from labs.services.chassis.settings import load
from labs.services.inventory import store
from labs.services.inventory.domain import Line
from labs.services.inventory.settings import Settings

RESERVATIONS = metrics.counter("stock_reservations_total", "Orders by what the stock said to them", ("outcome",))


class InventoryWorker:
    """Listens to order-service, tells stock_reserved, stock_rejected, stock_overdue, stock_released; and to itself, for work
    in chunks."""

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
        RESERVATIONS.labels("rejected" if shortages else "reserved").inc()

    @handle_event("order-service", "order_paid")
    def firm(self, event, tx):
        """What is paid for waits as long as it takes."""
        order_id = event.data["order_id"]
        if shortages := store.firm(tx, order_id):
            tx.tell("stock_rejected", {"order_id": order_id, "reason": "; ".join(map(str, shortages))})

    @handle_event("order-service", "order_fulfilled")
    def take(self, event, tx):
        """The parcel has left; what is missing from it is still here."""
        missing = [Line(line["sku"], line["quantity"]) for line in event.data["missing"]]
        store.take(tx, event.data["order_id"], missing)

    @handle_event("order-service", "order_rejected")
    def rejected(self, event, tx):
        """The order comes to nothing."""
        self.release(event, tx)

    @handle_event("order-service", "order_cancelled")
    def cancelled(self, event, tx):
        """The customer has thought again."""
        self.release(event, tx)

    def release(self, event, tx):
        """Its pieces are for sale again."""
        order_id, reason = event.data["order_id"], event.data["reason"]
        if store.release(tx, order_id, reason):
            tx.tell("stock_released", {"order_id": order_id, "reason": reason}, needed=False)

    @timer(interval=1)
    def expire(self):
        """What nobody has paid for in time: is it still wanted?"""
        before = time.time() - load(Settings).reservation_seconds
        with self.db.reading() as session:
            orders = store.waiting(session, before)
        for order_id in orders:
            with self.db.transaction() as tx:
                if store.expire(tx, order_id, before):
                    tx.tell("stock_overdue", {"order_id": order_id})
                    RESERVATIONS.labels("overdue").inc()

    @handle_event("inventory-service", "price_import_chunk")
    def import_prices(self, event, tx):
        """A hundred prices of a large import."""
        store.imports.do_chunk(tx, event.data["import_id"], event.data["lines"])

    @handle_event("inventory-service", "stock_report_asked")
    def report(self, event, tx):
        """The list of what is low."""
        store.reports.make(tx, event.data["report_id"])

    @rpc
    def available(self, sku):
        """The question of GET /stock/{sku}, over the broker: pieces available, or None for an unknown SKU."""
        with self.db.reading() as session:
            return store.available(session, sku)
