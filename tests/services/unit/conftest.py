"""Databases of the services, made by their migrations."""

from collections.abc import Callable, Iterator

import pytest

from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate


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
