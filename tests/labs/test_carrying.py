"""Rows are carried from one database to another: all that are owned, once, and none that is still in somebody's hands."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from labs.classroom.carrying import CARRIED, carry, under_way
from labs.services.chassis.migrate import migrate
from labs.services.monolith.migrate import migrate_all


@pytest.fixture
def monolith(tmp_path) -> Path:
    path = tmp_path / "monolith.db"
    migrate_all(f"sqlite:///{path}")
    return path


def service(tmp_path: Path, name: str) -> Path:
    path = tmp_path / f"{name}.db"
    migrate(name, f"sqlite:///{path}")
    return path


def filled(path: Path, table: str, **values: object) -> None:
    """A row with these values, and something in every other column that needs it."""
    with closing(sqlite3.connect(path)) as store, store:
        columns = store.execute('SELECT name, type FROM pragma_table_info(?) WHERE "notnull" AND NOT pk', (table,))
        usual = {name: "x" if "CHAR" in kind or "TEXT" in kind or "JSON" in kind else 0 for name, kind in columns}
        row = usual | values
        marks = ", ".join("?" * len(row))
        store.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as store:
        return store.execute(query).fetchall()


@pytest.mark.parametrize("capability", sorted(CARRIED))
def test_every_table_that_is_carried_is_there_on_both_sides(monolith, tmp_path, capability):
    part = CARRIED[capability]
    assert carry(monolith, service(tmp_path, part.service), part) == 0


def test_orders_that_have_ended_are_carried_in_their_order_and_those_under_way_are_not(monolith, tmp_path):
    for order, status in (("b", "fulfilled"), ("a", "rejected"), ("c", "paid")):
        filled(monolith, "orders", id=order, status=status)
    target = service(tmp_path, "order")
    assert carry(monolith, target, CARRIED["orders"]) == 2
    assert rows(target, "SELECT id FROM orders ORDER BY position") == [("b",), ("a",)]
    assert under_way(monolith) == 1


def test_what_was_carried_is_not_carried_twice_and_what_came_since_is(monolith, tmp_path):
    target = service(tmp_path, "order")
    filled(monolith, "orders", id="a", status="fulfilled")
    carry(monolith, target, CARRIED["orders"])
    filled(target, "orders", id="new", status="placed")
    filled(monolith, "orders", id="b", status="fulfilled")
    assert carry(monolith, target, CARRIED["orders"]) == 1
    assert rows(target, "SELECT id FROM orders ORDER BY position") == [("a",), ("new",), ("b",)]


def test_a_new_services_own_administrator_and_key_give_way_once(monolith, tmp_path):
    target = service(tmp_path, "user")
    for path, name in ((monolith, "old"), (target, "new")):
        filled(path, "users", id=f"admin-{name}", email="admin@shop.example")
        filled(path, "keys", number=1, kid=f"key-{name}", public="x", private="x")
    carry(monolith, target, CARRIED["users"])
    assert rows(target, "SELECT id FROM users") == [("admin-old",)]
    assert rows(target, "SELECT kid FROM keys") == [("key-old",)]

    filled(target, "users", id="later", email="later@example.org")
    carry(monolith, target, CARRIED["users"])
    assert rows(target, "SELECT id FROM users ORDER BY id") == [("admin-old",), ("later",)]
