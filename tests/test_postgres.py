"""The databases that unit tests get: fresh each time, and on both kinds of server."""

from collections.abc import Callable

from sqlalchemy import create_engine, text

from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate


def test_every_test_gets_a_database_of_its_own(new_postgresql: Callable[[], str]) -> None:
    for url in (new_postgresql(), new_postgresql()):
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE mine (id INTEGER)"))
        engine.dispose()


def test_a_services_schema_fits_both(database_url: str) -> None:
    migrate("inventory", database_url)
    database = Database(database_url)
    database.ping()
    database.engine.dispose()
