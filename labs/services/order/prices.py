"""What products cost: inventory-service decides, and tells; here is the copy that orders are made with.

The truth for this service is its table (the read model), fed by price_changed. A process remembers what it has read for
MAX_AGE seconds: so an order may be made with a price that this service has known to be old for that long, and no longer. A
product that nobody here has heard of is asked for, all of an order in one question."""

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from sqlalchemy import Table, select, update

from labs.services.chassis.client import Client, Unreachable
from labs.services.chassis.database import Database, Transaction, insert_new
from labs.services.order.domain import Price
from labs.services.order.tables import KnownPrice

MAX_AGE = 1.0
"""Seconds."""
REMEMBERED = 10_000
"""Products, some 300 bytes each; beyond it all are forgotten and read again."""
TIMEOUT = 2.0
"""Seconds that inventory-service has for the prices of unknown products."""


class Prices(Protocol):
    """Where the prices of an order come from."""

    def of(self, skus: Iterable[str]) -> Mapping[str, Price]:
        """Prices by SKU, without those of unknown products. Raises Unreachable if that cannot be known now."""


class ReadModel:
    """The table, and inventory-service for what is not in it."""

    def __init__(self, db: Database, inventory: Client) -> None:
        self._db, self._inventory = db, inventory
        self._remembered: dict[str, tuple[float, Price]] = {}

    def of(self, skus: Iterable[str]) -> Mapping[str, Price]:
        """Prices by SKU, without those of unknown products. Raises Unreachable if that cannot be known now."""
        wanted, now = dict.fromkeys(skus), time.monotonic()
        found = {sku: kept[1] for sku in wanted if (kept := self._remembered.get(sku)) and kept[0] > now}
        for source in (self._read, self._ask):
            if missing := [sku for sku in wanted if sku not in found]:
                fresh = source(missing)
                found |= fresh
                self._remember(fresh, now + MAX_AGE)
        return found

    def _read(self, skus: list[str]) -> dict[str, Price]:
        with self._db.reading() as session:
            rows = session.scalars(select(KnownPrice).where(KnownPrice.sku.in_(skus)))
            return {row.sku: Price(row.amount, row.currency, row.version) for row in rows}

    def _ask(self, skus: list[str]) -> dict[str, Price]:
        answer = self._inventory.get("/prices", params={"sku": skus})
        if not answer.ok:
            raise Unreachable(self._inventory.name, f"it answered {answer.status_code}", maybe_done=False)
        told = {each.pop("sku"): Price(**each) for each in answer.json()["items"]}
        if told:
            with self._db.transaction() as tx:
                for sku, price in told.items():
                    keep(tx, sku, price)
        return told

    def _remember(self, prices: Mapping[str, Price], until: float) -> None:
        if len(self._remembered) + len(prices) > REMEMBERED:
            self._remembered = {}
        self._remembered |= {sku: (until, price) for sku, price in prices.items()}


def keep(tx: Transaction, sku: str, price: Price) -> None:
    """Note a price; an older version changes nothing, in whatever order they come."""
    table = KnownPrice.__table__
    assert isinstance(table, Table)
    values = {"amount": price.amount, "currency": price.currency, "version": price.version}
    if not insert_new(tx, table, sku=sku, **values):
        older = update(table).where(table.c.sku == sku, table.c.version < price.version)
        tx.execute(older.values(**values))
