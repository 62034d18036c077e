"""What the shop sells and what it costs, now and before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Row, Select, Table, select
from sqlalchemy.orm import Session

from labs.services.chassis.database import Transaction, insert_new
from labs.services.chassis.shapes import Money
from labs.services.inventory.domain import UnknownProduct
from labs.services.inventory.stores import stock
from labs.services.inventory.stores.tables import Price, Product, Stock

PRODUCTS = cast(Table, Product.__table__)


@dataclass(frozen=True)
class Entry:
    """What a clerk says of a product. `low_at`: at how many pieces it is time to order more."""

    name: str
    description: str
    price: Money
    low_at: int | None = None


def put(tx: Transaction, sku: str, entry: Entry, by: str) -> bool:
    """Make the catalogue say so; True if the product is new. A new price is kept beside the old ones and told."""
    said = {"name": entry.name, "description": entry.description}
    said["searched"] = "\n".join((sku, *said.values())).casefold()
    is_new = insert_new(tx, PRODUCTS, sku=sku, **said, amount=0, currency="", version=0)
    product = tx.get_one(Product, sku, with_for_update=True, populate_existing=True)
    for name, text in said.items():
        setattr(product, name, text)
    stock.mark(tx, sku, entry.low_at)
    _reprice(tx, [(product, entry.price)], by)
    return is_new


def reprice(tx: Transaction, prices: Mapping[str, Money], by: str) -> set[str]:
    """New prices by SKU; returns the SKUs that are not in the catalogue."""
    wanted = select(Product).where(Product.sku.in_(prices)).order_by(Product.sku).with_for_update()
    found = {product.sku: product for product in tx.scalars(wanted.execution_options(populate_existing=True))}
    _reprice(tx, [(product, prices[sku]) for sku, product in found.items()], by)
    return prices.keys() - found.keys()


def product(session: Session, sku: str) -> Row[Any]:
    """sku, name, description, amount, currency, available, low_at. Raises UnknownProduct."""
    found = session.execute(_products().where(Product.sku == sku)).one_or_none()
    if found is None:
        raise UnknownProduct(sku)
    return found


def products(session: Session, search: str, after: str, limit: int) -> list[Row[Any]]:
    """The same of all products that have `search` in SKU, name or description, large or small, in the order of the SKU: those
    that come after the SKU `after`."""
    found = _products().where(Product.sku > after, Product.searched.contains(search.casefold(), autoescape=True))
    return list(session.execute(found.order_by(Product.sku).limit(limit)))


def prices(session: Session, skus: Iterable[str]) -> list[Product]:
    """Those of these products that are in the catalogue, in the order of the SKU."""
    return list(session.scalars(select(Product).where(Product.sku.in_(skus)).order_by(Product.sku)))


def history(session: Session, sku: str, before: int, limit: int) -> list[Price]:
    """What a product costs and has cost, newest first: the versions before `before`. Raises UnknownProduct."""
    product(session, sku)
    older = select(Price).where(Price.sku == sku, Price.version < before)
    return list(session.scalars(older.order_by(Price.version.desc()).limit(limit)))


def _products() -> Select[*tuple[Any, ...]]:
    said = (Product.sku, Product.name, Product.description, Product.amount, Product.currency)
    return select(*said, Stock.available, Stock.low_at).join(Stock, Stock.sku == Product.sku)


def _reprice(tx: Transaction, prices: Iterable[tuple[Product, Money]], by: str) -> None:
    """Those that are news. All of them are changed before the first is told: so they are written at once, in few statements."""
    changes = []
    for product, price in prices:
        if (product.amount, product.currency) != (price.amount, price.currency):
            product.amount, product.currency, product.version = price.amount, price.currency, product.version + 1
            said = {"sku": product.sku, "amount": price.amount, "currency": price.currency, "version": product.version}
            tx.add(Price(**said, changed_by=by))
            changes.append(said)
    for said in changes:
        tx.tell("price_changed", said)
