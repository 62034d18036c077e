from sqlalchemy import text

from labs.services.chassis.handler import ServiceDatabase, handle_event

PRICE = text("""
    UPDATE signs SET amount = :amount, price_version = :version
    WHERE sku = :sku AND signs.price_version < :version""")
PLACE = text("""
    UPDATE signs SET place = :place, place_version = :version
    WHERE sku = :sku AND signs.place_version < :version""")


class SignsWorker:
    name = "signs-service"
    db = ServiceDatabase()

    @handle_event("inventory-service", "price_changed")
    def price(self, event, tx):
        tx.execute(PRICE, event.data)

    @handle_event("inventory-service", "place_changed")
    def place(self, event, tx):
        tx.execute(PLACE, event.data)
