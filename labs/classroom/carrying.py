"""Carries rows from the monolith's database into that of the service that takes over: what a capability owns, and nothing else.
Rows that are there already stay as they are, so it may be done twice: once before the requests move, once for what came in
meanwhile. SQLite files only; on PostgreSQL one would use logical replication."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

ENDED = "status IN ('fulfilled', 'rejected', 'cancelled')"
"""An order under way is in the hands of whoever began it."""
PATIENCE = 10.0
"""Seconds that a copy waits for other writers."""


@dataclass(frozen=True)
class Carried:
    """The tables of one capability in the order in which they refer to each other, each with the condition for a row to be
    carried. `fresh` are those that a new service fills by itself, with rows that are not the shop's: its own first
    administrator, its own first key."""

    service: str
    tables: dict[str, str]
    fresh: tuple[str, ...] = ()


CARRIED = {
    "catalogue": Carried("inventory", {"products": "", "prices": ""}),
    "stock": Carried("inventory", {"stock": "", "adjustments": "", "reservations": "", "reserved_lines": ""}),
    "users": Carried("user", {"users": "", "grants": "", "keys": ""}, fresh=("grants", "users", "keys")),
    "orders": Carried("order", {"orders": ENDED, "payments": "", "shipments": "", "idempotency_keys": ""}),
    "notifications": Carried("notification", {"contacts": "", "notifications": ""}),
}
"""What is not carried: settlements (order-service makes its own of the days from now on), failed logins (whoever was locked out
is not any more), price imports and stock reports (done ones are of no interest), known prices (order-service asks)."""
OWN_NUMBERING = "position"
"""A column in which every database counts by itself."""


def carry(source: Path, target: Path, what: Carried) -> int:
    """Copy the rows that `target` lacks, in one transaction; returns how many there were. Raises sqlite3.Error."""
    with closing(sqlite3.connect(target, timeout=PATIENCE, isolation_level=None)) as store:
        store.execute("ATTACH DATABASE ? AS monolith", (str(source),))
        store.execute("BEGIN IMMEDIATE")
        if what.fresh and _is_fresh(store):
            for table in what.fresh:
                store.execute(f"DELETE FROM main.{table}")
        count = sum(_copy(store, table, condition) for table, condition in what.tables.items())
        store.execute("COMMIT")
    return count


def under_way(source: Path) -> int:
    """Orders that the monolith has begun and not ended."""
    with closing(sqlite3.connect(source, timeout=PATIENCE)) as store:
        return int(store.execute(f"SELECT count(*) FROM orders WHERE NOT {ENDED}").fetchone()[0])


def _copy(store: sqlite3.Connection, table: str, condition: str) -> int:
    columns = ", ".join(name for name in _columns(store, table) if name != OWN_NUMBERING or table == "adjustments")
    where, order = f"WHERE {condition}" if condition else "", "ORDER BY rowid"
    rows = f"SELECT {columns} FROM monolith.{table} {where} {order}"
    return store.execute(f"INSERT OR IGNORE INTO main.{table} ({columns}) {rows}").rowcount


def _columns(store: sqlite3.Connection, table: str) -> Iterable[str]:
    return [row[0] for row in store.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def _is_fresh(store: sqlite3.Connection) -> bool:
    """Whether none of the monolith's users is there yet."""
    known = "SELECT count(*) FROM main.users WHERE id IN (SELECT id FROM monolith.users)"
    return not store.execute(known).fetchone()[0]
