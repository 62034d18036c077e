"""The catalogue and its prices over HTTP."""

import sys
from typing import Any

from sqlalchemy import Row

from labs.services.chassis.api import Routes
from labs.services.chassis.auth import Auth
from labs.services.chassis.database import Database
from labs.services.chassis.paging import PageIn
from labs.services.inventory import store
from labs.services.inventory.stores.tables import Price
from labs.services.inventory.views.schemas import (
    HistoryOut,
    OfSku,
    PastPriceOut,
    PriceOut,
    PricesOut,
    PricesQuery,
    ProductIn,
    ProductOut,
    ProductsOut,
    ProductsQuery,
)

_PRODUCT = {"application/json": {"schema": {"$ref": "#/components/schemas/ProductOut"}}}
PUT: dict[int | str, dict[str, Any]] = {
    200: {"description": "It was there, and is changed"},
    201: {"description": "It is new", "content": _PRODUCT},
}


def routes(app: Routes, db: Database, auth: Auth) -> None:
    """Everybody may look; a clerk changes."""

    @app.put("/products/<sku>")
    @auth.needs("catalogue:write")
    @app.input(OfSku, location="path", arg_name="_path")
    @app.input(ProductIn)
    @app.output(ProductOut)
    @app.doc(responses=PUT)
    def put_product(sku: str, _path: OfSku, json_data: ProductIn) -> Any:
        """Put a product into the catalogue, or change all that is said of it. What it has cost is kept."""
        entry = store.catalogue.Entry(**dict(json_data))
        with db.transaction() as tx:
            status = 201 if store.catalogue.put(tx, sku, entry, auth.caller().id) else 200
            return _product(store.catalogue.product(tx, sku)), status

    @app.get("/products/<sku>")
    @app.input(OfSku, location="path", arg_name="_path")
    @app.output(ProductOut)
    def look_at_product(sku: str, _path: OfSku) -> Any:
        """A product, its price, and how many pieces can be promised now."""
        with db.reading() as session:
            return _product(store.catalogue.product(session, sku))

    @app.get("/products")
    @app.input(ProductsQuery, location="query")
    @app.output(ProductsOut)
    def search_products(query_data: ProductsQuery) -> Any:
        """The catalogue, or those products that have `search` in SKU, name or description, large or small letters alike."""
        (after,) = query_data.place(str) or ("",)
        with db.reading() as session:
            products = store.catalogue.products(session, query_data.search, after, query_data.limit + 1)
        return query_data.page(products, lambda product: (product.sku,), _product)

    @app.get("/products/<sku>/prices")
    @app.input(OfSku, location="path", arg_name="_path")
    @app.input(PageIn, location="query")
    @app.output(HistoryOut)
    def price_history(sku: str, _path: OfSku, query_data: PageIn) -> Any:
        """What a product costs and has cost, newest first."""
        (before,) = query_data.place(int) or (sys.maxsize,)
        with db.reading() as session:
            prices = store.catalogue.history(session, sku, before, query_data.limit + 1)
        return query_data.page(prices, lambda price: (price.version,), _past_price)

    @app.get("/prices")
    @app.input(PricesQuery, location="query")
    @app.output(PricesOut)
    def current_prices(query_data: PricesQuery) -> Any:
        """What up to 100 products cost: /prices?sku=tea&sku=cup."""
        with db.reading() as session:
            products = store.catalogue.prices(session, query_data.sku)
        known = {product.sku for product in products}
        unknown = [sku for sku in dict.fromkeys(query_data.sku) if sku not in known]
        return {"items": [PriceOut.model_validate(p, from_attributes=True) for p in products], "unknown": unknown}


def _product(product: Row[Any]) -> dict[str, Any]:
    said = product._asdict()
    return said | {"price": {"amount": said.pop("amount"), "currency": said.pop("currency")}}


def _past_price(price: Price) -> PastPriceOut:
    return PastPriceOut.model_validate(price, from_attributes=True)
