from labs.services.quotes import by_batch
from sqlalchemy import text

KEEP = text("""
    INSERT INTO prices (sku, amount, version) VALUES (:sku, :amount, :version)
    ON CONFLICT (sku) DO UPDATE SET amount = :amount, version = :version WHERE prices.version < :version""")


def keep(tx, item):
    tx.execute(KEEP, item)


def prices(skus, inventory, db):
    asked = by_batch.items(skus, inventory)
    with db.transaction() as tx:
        for item in asked:
            keep(tx, item)
    return {item["sku"]: item["amount"] for item in asked}
