import os

from sqlalchemy import text

READS = os.environ.get("READS", "place")
GET = text(f"SELECT {READS} FROM shelves WHERE sku = :sku")
PUT = text("""
    INSERT INTO shelves (sku, place, shelf, version) VALUES (:sku, :place, :place, 1)
    ON CONFLICT (sku) DO UPDATE SET place = :place, shelf = :place, version = shelves.version + 1
    RETURNING version""")


def get(session, sku):
    return session.scalar(GET, {"sku": sku})


def put(tx, sku, place):
    tx.scalar(PUT, {"sku": sku, "place": place})
