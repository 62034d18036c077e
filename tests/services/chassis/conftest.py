"""A database with outbox and inbox, and one table of its own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from labs.services.chassis import inbox, outbox
from labs.services.chassis.database import Database


@pytest.fixture
def url(database_url) -> str:
    """On SQLite and on PostgreSQL."""
    return database_url


@pytest.fixture
def db(url) -> Iterator[Database]:
    database = Database(url)
    for table in (outbox.outbox, inbox.inbox):
        table.metadata.create_all(database.engine)
    with database.transaction() as tx:
        tx.execute(text("CREATE TABLE effects (id VARCHAR NOT NULL)"))
    yield database
    database.engine.dispose()
