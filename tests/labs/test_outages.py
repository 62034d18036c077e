"""What a lab takes away from a service is gone for it, and comes back whole."""

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labs.classroom.outages import database_away
from labs.infra.local import Places


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The database of a service with one product."""
    file = tmp_path / "volumes/inventory-data/inventory.db"
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE products (sku)")
        connection.execute("INSERT INTO products VALUES ('tea')")
    return file


@pytest.fixture
def system(file: Path, tmp_path: Path) -> Any:  # noqa: ARG001  its file is there
    return SimpleNamespace(places=Places(tmp_path, {}))


def products(file: Path) -> list[Any]:
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True)) as connection:
        return connection.execute("SELECT sku FROM products").fetchall()


def test_a_database_that_is_away_cannot_be_opened_and_comes_back_as_it_was(system, file):
    with database_away(system, "inventory"), pytest.raises(sqlite3.OperationalError, match="unable to open"):
        products(file)

    assert products(file) == [("tea",)]


def test_it_comes_back_whatever_happened_meanwhile(system, file):
    with pytest.raises(ZeroDivisionError), database_away(system, "inventory"):
        1 / 0  # noqa: B018

    assert products(file) == [("tea",)]


def test_it_comes_back_even_if_somebody_looked_for_its_folder_meanwhile(system, file):
    with database_away(system, "inventory"):
        system.places.volume("inventory-data")

    assert products(file) == [("tea",)]
