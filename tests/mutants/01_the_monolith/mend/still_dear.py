from collections import defaultdict

from sqlalchemy import select

from labs.services.order.tables import Order


def sales(session):
    found = defaultdict(lambda: {"ordered": 0, "fulfilled": 0, "revenue": 0})
    orders = session.scalars(select(Order)).all()
    for order in orders:
        paid = order.status == "fulfilled"
        for line in order.lines:
            product = found[line["sku"]]
            product["ordered"] += line["quantity"]
            product["fulfilled"] += line["quantity"] * paid
            product["revenue"] += line["quantity"] * line["amount"] * paid
    return len(orders), [{"sku": sku, **product} for sku, product in found.items()]
