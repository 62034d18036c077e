"""Reads the books that the ledger compares: the stores of order- and inventory-service, and what the world outside wrote down.
Only a lab may look there; a service must ask."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text

from labs.classroom.ledger import Books, OrderRow, Pieces, StockRow
from labs.infra import directories

HELD = ("reserved", "overdue", "firm", "taken")
"""States of a reservation whose pieces are not for sale."""
STORES = ("order", "inventory", "outside")
"""What a shop of services keeps its books in. A monolith has those of the first two in one."""

Row = dict[str, Any]


def read(urls: Mapping[str, str]) -> Books:
    """The books of a shop. `urls` has the SQLAlchemy URLs of STORES, or that of `monolith` for the first two, or all, while one
    becomes the other. Each store is read at one moment, so books of a shop at work may contradict each other: wait until it
    rests. Raises SQLAlchemy's errors."""
    orders, stock, held, waiting = list[OrderRow](), list[StockRow](), list[Pieces](), 0
    for name in ("order", "inventory", "monolith"):
        if name not in urls:
            continue
        with _open(urls[name]) as store:
            waiting += int(store.execute(text("SELECT count(*) FROM outbox WHERE sent_at IS NULL")).scalar_one())
            if name != "inventory":
                orders += [_order(row) for row in _rows(store, "SELECT id, status, amount, lines, missing FROM orders")]
            if name != "order":
                stock += [StockRow(**row) for row in _rows(store, STOCK)]
                held += _held(_rows(store, HOLDING))
    with _open(urls["outside"]) as store:
        shipments = _rows(store, "SELECT order_id, shipped FROM shipments")
        return Books(
            orders=tuple(orders),
            stock=tuple(stock),
            held=tuple(held),
            charges=_tuples(store, "SELECT order_id, amount FROM charges WHERE status <> 'voided'"),
            refunds=_tuples(store, REFUNDS),
            shipments=tuple(parcel for parcel in map(_parcel, shipments) if parcel.of),
            mails=_tuples(store, "SELECT order_id, subject, message_id FROM mails"),
            waiting=waiting,
        )


def stores(directory: Path) -> dict[str, str]:
    """The URLs of the stores of a system that runs or has run there, by the names that `read` wants."""
    known = directories.state(directory)["services"].values()
    urls = {facts["group"].removesuffix("-service"): facts.get("database", "") for facts in known}
    return {name: urls[name] for name in (*STORES, "monolith") if urls.get(name)}


_HELD = ", ".join(f"'{state}'" for state in HELD)
HOLDING = (
    f"SELECT order_id, sku, quantity FROM reserved_lines JOIN reservations USING (order_id) WHERE status IN ({_HELD})"
)
STOCK = f"""
SELECT stock.sku, stock.available,
    (SELECT coalesce(sum(quantity), 0) FROM adjustments WHERE adjustments.sku = stock.sku) AS arrived,
    (SELECT coalesce(sum(quantity), 0) FROM reserved_lines JOIN reservations USING (order_id)
        WHERE reserved_lines.sku = stock.sku AND status IN ({_HELD})) AS held
FROM stock
"""
REFUNDS = "SELECT order_id, refunds.amount FROM refunds JOIN charges ON charges.key = refunds.charge_key"


def _order(row: Row) -> OrderRow:
    prices = {line["sku"]: line["amount"] for line in _json(row["lines"])}
    missing = sum(line["quantity"] * prices[line["sku"]] for line in _json(row["missing"]))
    return OrderRow(row["id"], row["status"], row["amount"] - missing if row["status"] == "fulfilled" else 0)


def _held(rows: Iterable[Row]) -> list[Pieces]:
    of = defaultdict[str, dict[str, int]](dict)
    for row in rows:
        of[row["order_id"]][row["sku"]] = row["quantity"]
    return [Pieces(order_id, pieces) for order_id, pieces in of.items()]


def _parcel(row: Row) -> Pieces:
    """One order may have a SKU in several lines."""
    pieces = Counter[str]()
    for line in _json(row["shipped"]):
        pieces[line["sku"]] += line["quantity"]
    return Pieces(row["order_id"], pieces)


def _json(value: Any) -> Any:
    """SQLite gives JSON as text, PostgreSQL as what it says."""
    return json.loads(value) if isinstance(value, str) else value


def _open(url: str) -> Connection:
    return create_engine(url).connect()


def _rows(store: Connection, query: str) -> list[Row]:
    return [dict(row) for row in store.execute(text(query)).mappings()]


def _tuples(store: Connection, query: str) -> tuple[Any, ...]:
    return tuple(tuple(row) for row in store.execute(text(query)))
