from sqlalchemy import text

from labs.services.chassis.handler import ServiceDatabase, handle_event

PRICE = text("INSERT OR REPLACE INTO signs (sku, amount, price_version) VALUES (:sku, :amount, :version)")
PLACE = text("""
    INSERT INTO signs (sku, place, place_version) VALUES (:sku, :place, :version)
    ON CONFLICT (sku) DO UPDATE SET place = :place, place_version = :version
    WHERE signs.place_version < :version""")


class SignsWorker:
    name = "signs-service"
    db = ServiceDatabase()

    @handle_event("inventory-service", "price_changed")
    def price(self, event, tx):
        tx.execute(PRICE, event.data)

    @handle_event("inventory-service", "place_changed")
    def place(self, event, tx):
        tx.execute(PLACE, event.data)
