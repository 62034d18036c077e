"""A report that somebody asks for at noon: it reads every order there is, in the process and from the tables that the checkout
needs too."""

from collections import Counter
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select

from labs.services.chassis.api import Routes
from labs.services.chassis.auth import Auth
from labs.services.chassis.database import Database
from labs.services.order.tables import Order


class Sales(BaseModel):
    """One product: pieces ordered and fulfilled, revenue in minor units."""

    sku: str
    ordered: int
    fulfilled: int
    revenue: int


class SalesReport(BaseModel):
    """All products, best sellers first, and how many orders were read."""

    orders: int
    products: list[Sales]


def routes(app: Routes, db: Database, auth: Auth) -> None:
    """GET /reports/sales."""

    @app.get("/reports/sales")
    @auth.needs("reports:read")
    @app.output(SalesReport)
    def sales() -> Any:
        """Sales by product, counted anew from all orders: its time grows with their number."""
        ordered, fulfilled, revenue, orders = Counter[str](), Counter[str](), Counter[str](), 0
        with db.reading() as session:
            for order in session.scalars(select(Order).execution_options(yield_per=500)):
                orders += 1
                for line in order.lines:
                    ordered[line["sku"]] += line["quantity"]
                    if order.status == "fulfilled":
                        fulfilled[line["sku"]] += line["quantity"]
                        revenue[line["sku"]] += line["quantity"] * line["amount"]
        products = [
            {"sku": sku, "ordered": pieces, "fulfilled": fulfilled[sku], "revenue": revenue[sku]}
            for sku, pieces in ordered.most_common()
        ]
        return {"orders": orders, "products": products}
