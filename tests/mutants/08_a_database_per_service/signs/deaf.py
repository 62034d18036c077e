from sqlalchemy import text

from labs.services.chassis.handler import ServiceDatabase, handle_event

PRICE = text("""
    INSERT INTO signs (sku, amount, price_version) VALUES (:sku, :amount, :version)
    ON CONFLICT (sku) DO UPDATE SET amount = :amount, price_version = :version
    WHERE signs.price_version < :version""")


class SignsWorker:
    name = "signs-service"
    db = ServiceDatabase()

    @handle_event("inventory-service", "price_changed")
    def price(self, event, tx):
        tx.execute(PRICE, event.data)
