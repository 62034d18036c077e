"""The stock over HTTP."""

from typing import Any

from labs.services.chassis.api import Routes
from labs.services.chassis.auth import Auth
from labs.services.chassis.database import Database
from labs.services.inventory import store
from labs.services.inventory.domain import UnknownProduct
from labs.services.inventory.views.schemas import OfSku, StockBySku, StockIn, StockOut


def routes(app: Routes, db: Database, auth: Auth) -> None:
    """Everybody may look; a clerk puts pieces on the shelf."""

    @app.post("/stock")
    @auth.needs("stock:write")
    @app.input(StockIn)
    @app.output(StockOut, status_code=201)
    @app.doc(responses=[404, 409])
    def adjust_stock(json_data: StockIn) -> Any:
        """Pieces have arrived, or are gone: what came is added to what is there, and kept with its reason."""
        with db.transaction() as tx:
            available = store.add(tx, json_data.sku, json_data.quantity, json_data.reason, auth.caller().id)
        return {"sku": json_data.sku, "available": available}

    @app.get("/stock/<sku>")
    @app.input(OfSku, location="path", arg_name="_path")
    @app.output(StockOut)
    def look_at_stock(sku: str, _path: OfSku) -> Any:
        """How many pieces of a product can be promised?"""
        with db.reading() as session:
            available = store.available(session, sku)
        if available is None:
            raise UnknownProduct(sku)
        return {"sku": sku, "available": available}

    @app.get("/stock")
    @app.output(StockBySku)
    def look_at_all_stock() -> Any:
        """Available pieces by SKU, of the first 1,000 products; GET /products has them all, in pages."""
        with db.reading() as session:
            return store.everything(session)
