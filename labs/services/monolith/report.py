"""A report that somebody asks for at noon: it reads every order there is, in the process and from the tables that the checkout
needs too."""

from typing import Any

from pydantic import BaseModel

from labs.services.chassis.api import Routes
from labs.services.chassis.auth import Auth
from labs.services.chassis.database import Database
from labs.services.monolith.ranking import best_first
from labs.services.monolith.sales import sales


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
    def report() -> Any:
        """Sales by product, counted anew from all orders: its time grows with their number."""
        with db.reading() as session:
            orders, products = sales(session)
        return {"orders": orders, "products": best_first(products)}
