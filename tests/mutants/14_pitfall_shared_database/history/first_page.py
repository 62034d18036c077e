"""One page, and that is it."""

import os

import requests
from sqlalchemy import text

from labs.services.chassis.database import Database
from labs.services.chassis.settings import Settings, load


def page(**wanted):
    wanted = {"limit": os.environ.get("LIMIT", "20"), **wanted}
    who = {"Authorization": os.environ["TOKEN"]}
    answer = requests.get(os.environ["ORDERS_API"] + "/orders", params=wanted, headers=who, timeout=5)
    answer.raise_for_status()
    return answer.json()


KNOWN = text("""
    INSERT INTO purchases (order_id, customer_id, amount, fulfilled) VALUES (:id, :customer, :amount, true)
    ON CONFLICT (order_id) DO UPDATE SET amount = :amount, fulfilled = true""")


def main(db):
    after = {}
    while after is not None:
        found = page(status="fulfilled", **after)
        with db.transaction() as tx:
            for order in found["items"]:
                told = {"id": order["id"], "customer": order["customer_id"], "amount": order["total"]["amount"]}
                tx.execute(KNOWN, told)
        after = None


if __name__ == "__main__":
    main(Database(load(Settings).database_url))
