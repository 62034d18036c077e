"""Schema changes of one service, with Alembic:
`python -m labs.services.chassis.migrate order [upgrade|downgrade] [REVISION]`."""

import importlib.util
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import func, select

from labs.services.chassis import schema
from labs.services.chassis.database import Database
from labs.services.chassis.settings import Settings, load

LOCK = 1
"""PostgreSQL lets one transaction at a time have this number, in each database."""


def migrate(
    service: str, url: str, direction: str = "upgrade", revision: str = "", versions: str = "alembic_version"
) -> None:
    """Bring the database at `url` to `revision` ("head" or "base" if empty), which is noted in the table `versions`. A run is
    one transaction: if it fails the schema is as it was, and of two at once the second waits. Raises SystemExit for an unknown
    service, direction or revision."""
    config = _config(service)
    directions = {"upgrade": (command.upgrade, "head"), "downgrade": (command.downgrade, "base")}
    if direction not in directions:
        raise SystemExit(f"direction must be upgrade or downgrade, not {direction!r}")
    move, furthest = directions[direction]
    with Database(url).engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
        config.attributes.update(connection=connection, versions=versions)
        try:
            move(config, revision or furthest)
        except CommandError as error:
            raise SystemExit(f"{service}: {error}") from None


def _config(service: str) -> Config:
    spec = importlib.util.find_spec(f"labs.services.{service}")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"there is no service {service!r} under labs/services")
    own = Path(spec.submodule_search_locations[0]) / "migrations"
    shared = Path(schema.__file__).parent
    config = Config()
    options = {
        "script_location": str(shared),
        "version_locations": str(own if own.is_dir() else shared / "messaging"),
        "path_separator": "newline",  # a path may hold spaces
    }
    for name, value in options.items():
        config.set_main_option(name, value.replace("%", "%%"))
    return config


if __name__ == "__main__":
    migrate(sys.argv[1], load(Settings).database_url, *sys.argv[2:4])
