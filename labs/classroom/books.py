"""Reads the books that the ledger compares: the stores of order- and inventory-service, and what the world outside wrote down.
Only a lab may look there; a service must ask."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, create_engine, text

from labs.classroom.ledger import Books, OrderRow, StockRow

HELD = ("reserved", "firm", "taken")
"""States of a reservation whose pieces are not for sale."""
STORES = ("order", "inventory", "outside")

Row = dict[str, Any]


def read(urls: Mapping[str, str]) -> Books:
    """The books of a shop. `urls` has the SQLAlchemy URL of the store of each of STORES; a monolith has the same for order and
    inventory. Each store is read at one moment, so books of a shop at work may contradict each other: wait until it rests.
    Raises SQLAlchemy's errors."""
    with _open(urls["order"]) as store:
        orders = [_order(row) for row in _rows(store, "SELECT id, status, amount, lines, missing FROM orders")]
        waiting = _count(store, "SELECT count(*) FROM outbox WHERE sent_at IS NULL")
    with _open(urls["inventory"]) as store:
        stock = [StockRow(**row) for row in _rows(store, STOCK)]
        holding = frozenset(row["order_id"] for row in _rows(store, HOLDING))
        waiting += _count(store, "SELECT count(*) FROM outbox WHERE sent_at IS NULL")
    with _open(urls["outside"]) as store:
        charges = _rows(store, "SELECT order_id, amount FROM charges WHERE status <> 'voided'")
        refunds = _rows(
            store, "SELECT order_id, refunds.amount FROM refunds JOIN charges ON charges.key = refunds.charge_key"
        )
        shipments = _rows(store, "SELECT order_id, shipped FROM shipments")
        mails = _rows(store, "SELECT order_id, subject, message_id FROM mails")
    return Books(
        orders=tuple(orders),
        stock=tuple(stock),
        holding=holding,
        charges=tuple((row["order_id"], row["amount"]) for row in charges),
        refunds=tuple((row["order_id"], row["amount"]) for row in refunds),
        shipments=tuple(row["order_id"] for row in shipments if _json(row["shipped"])),
        mails=tuple((row["order_id"], row["subject"], row["message_id"]) for row in mails),
        waiting=waiting,
    )


_HELD = ", ".join(f"'{state}'" for state in HELD)
HOLDING = f"SELECT order_id FROM reservations WHERE status IN ({_HELD})"
STOCK = f"""
SELECT stock.sku, stock.available,
    (SELECT coalesce(sum(quantity), 0) FROM adjustments WHERE adjustments.sku = stock.sku) AS arrived,
    (SELECT coalesce(sum(quantity), 0) FROM reserved_lines JOIN reservations USING (order_id)
        WHERE reserved_lines.sku = stock.sku AND status IN ({_HELD})) AS held
FROM stock
"""


def _order(row: Row) -> OrderRow:
    prices = {line["sku"]: line["amount"] for line in _json(row["lines"])}
    missing = sum(line["quantity"] * prices[line["sku"]] for line in _json(row["missing"]))
    return OrderRow(row["id"], row["status"], row["amount"] - missing if row["status"] == "fulfilled" else 0)


def _json(value: Any) -> Any:
    """SQLite gives JSON as text, PostgreSQL as what it says."""
    return json.loads(value) if isinstance(value, str) else value


def _open(url: str) -> Connection:
    return create_engine(url).connect()


def _rows(store: Connection, query: str) -> list[Row]:
    return [dict(row) for row in store.execute(text(query)).mappings()]


def _count(store: Connection, query: str) -> int:
    return int(store.execute(text(query)).scalar_one())
