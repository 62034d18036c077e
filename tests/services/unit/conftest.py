"""Databases of the services, made by their migrations."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate
from tests.services.unit.inventory_stand import Inventory, inventory_at
from tests.services.unit.user_stand import Users, users_at


@pytest.fixture
def migrated(tmp_path) -> Iterator[Callable[[str], Database]]:
    """`migrated("order")` is a fresh database of order-service."""
    made: list[Database] = []

    def make(service: str) -> Database:
        url = f"sqlite:///{tmp_path}/{service}.db"
        migrate(service, url)
        made.append(Database(url))
        return made[-1]

    yield make
    for database in made:
        database.engine.dispose()


@pytest.fixture
def inventory(tmp_path) -> Iterator[Inventory]:
    """inventory-service alone."""
    with inventory_at(f"sqlite:///{tmp_path}/inventory.db") as alone:
        yield alone


@pytest.fixture
def inventory_on_each(database_url: str) -> Iterator[Inventory]:
    """The same, once on SQLite and once on PostgreSQL."""
    with inventory_at(database_url) as alone:
        yield alone


@pytest.fixture
def users(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Users]:
    """user-service alone on SQLite; a test marked `on_both` runs on PostgreSQL too."""
    on_postgresql = getattr(request, "param", "sqlite") == "postgresql"
    url = request.getfixturevalue("postgresql_url") if on_postgresql else f"sqlite:///{tmp_path}/user.db"
    with users_at(url) as alone:
        yield alone
