from sqlalchemy import bindparam, text

READ = text("SELECT sku, amount FROM prices WHERE sku IN :skus").bindparams(bindparam("skus", expanding=True))
KEEP = text("""
    INSERT INTO prices (sku, amount, version) VALUES (:sku, :amount, :version)
    ON CONFLICT (sku) DO UPDATE SET amount = :amount, version = :version WHERE prices.version < :version""")


def keep(tx, item):
    tx.execute(KEEP, item)


def prices(skus, _inventory, db):
    with db.reading() as session:
        return {row.sku: row.amount for row in session.execute(READ, {"skus": list(skus)})}
