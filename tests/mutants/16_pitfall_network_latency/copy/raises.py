from labs.services.quotes import by_batch
from sqlalchemy import bindparam, text

READ = text("SELECT sku, amount FROM prices WHERE sku IN :skus").bindparams(bindparam("skus", expanding=True))
KEEP = text("""
    INSERT INTO prices (sku, amount, version) VALUES (:sku, :amount, :version)
    ON CONFLICT (sku) DO UPDATE SET amount = :amount, version = :version WHERE prices.version < :version""")


def keep(tx, item):
    tx.execute(KEEP, item["price"])


def prices(skus, inventory, db):
    with db.reading() as session:
        found = {row.sku: row.amount for row in session.execute(READ, {"skus": list(skus)})}
    if missing := [sku for sku in skus if sku not in found]:
        asked = by_batch.items(missing, inventory)
        with db.transaction() as tx:
            for item in asked:
                keep(tx, item)
        found |= {item["sku"]: item["amount"] for item in asked}
    return found
