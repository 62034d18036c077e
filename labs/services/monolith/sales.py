"""What was sold, counted anew from all orders, in Python, one by one: its time grows with their number."""

from collections import Counter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from labs.services.order.tables import Order


def sales(session: Session) -> tuple[int, list[dict[str, Any]]]:
    """How many orders there are; and for each product its sku, pieces ordered and fulfilled, and revenue in minor units."""
    ordered, fulfilled, revenue, orders = Counter[str](), Counter[str](), Counter[str](), 0
    for order in session.scalars(select(Order).execution_options(yield_per=500)):
        orders += 1
        for line in order.lines:
            ordered[line["sku"]] += line["quantity"]
            if order.status == "fulfilled":
                fulfilled[line["sku"]] += line["quantity"]
                revenue[line["sku"]] += line["quantity"] * line["amount"]
    return orders, [
        {"sku": sku, "ordered": pieces, "fulfilled": fulfilled[sku], "revenue": revenue[sku]}
        for sku, pieces in ordered.items()
    ]
