"""Prepares PostgreSQL for one system: a role and a database for each DATABASE_… URL of the environment. A role owns its
database and may not even connect to another's. Doing it twice changes nothing. Runs in the services' image too."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

COMMON = ("postgres", "template1")
"""The databases that every server has, and that everybody might connect to."""


class ProvisionError(Exception):
    """PostgreSQL could not be prepared; the message says why and what to do next."""


@dataclass(frozen=True)
class Account:
    """A role and the database of its own."""

    role: str
    password: str
    database: str


@dataclass(frozen=True)
class Plan:
    """What to prepare: where, as whom, and for whom."""

    server: URL
    accounts: Sequence[Account]

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Plan":
        """From environment variables as docker-compose.yml sets them. Raises ProvisionError for one that is missing."""

        def needed(name: str) -> str:
            if not environment.get(name):
                raise ProvisionError(f"{name} is not set; docker-compose.yml says what postgres-setup needs.")
            return environment[name]

        urls = [make_url(url) for name, url in sorted(environment.items()) if name.startswith("DATABASE_") and url]
        accounts = [
            Account(url.username or "", str(url.password or ""), url.database or "")
            for url in urls
            if url.get_backend_name() == "postgresql"
        ]
        host, _, port = needed("POSTGRES_SERVER").rpartition(":")
        who = (needed("POSTGRES_USER"), needed("POSTGRES_PASSWORD"))
        return cls(URL.create("postgresql+psycopg2", *who, host, int(port), COMMON[0]), accounts)


def prepare(server: Connection, accounts: Sequence[Account]) -> None:
    """The roles and databases, as they are wanted. `server` is in autocommit mode: a database is not made inside a
    transaction."""
    name = server.dialect.identifier_preparer.quote_identifier
    for database in COMMON:
        server.execute(text(f"REVOKE ALL ON DATABASE {name(database)} FROM PUBLIC"))
    roles = set(server.scalars(text("SELECT rolname FROM pg_roles")))
    databases = set(server.scalars(text("SELECT datname FROM pg_database")))
    for each in accounts:
        change = "ALTER" if each.role in roles else "CREATE"
        server.execute(text(f"{change} ROLE {name(each.role)} LOGIN PASSWORD :password"), {"password": each.password})
        if each.database not in databases:
            server.execute(text(f"CREATE DATABASE {name(each.database)} OWNER {name(each.role)}"))
        server.execute(text(f"REVOKE ALL ON DATABASE {name(each.database)} FROM PUBLIC"))


def connected(server: URL, seconds: float) -> Connection:
    """To the server, in autocommit mode, as soon as it takes connections. Raises ProvisionError."""
    # One connection and no pool: to close it is to be gone.
    engine = create_engine(
        server, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args={"connect_timeout": 5}
    )
    deadline = time.monotonic() + seconds
    while True:
        try:
            return engine.connect()
        except OperationalError as error:
            said = str(error.orig).strip()
            if "authentication failed" in said:
                raise ProvisionError(
                    f"PostgreSQL at {server.host}:{server.port} does not take the password of {server.username!r}.\n"
                    "It keeps the password of its first start: give that one, or start it in an empty directory."
                ) from None
            if time.monotonic() > deadline:
                raise ProvisionError(
                    f"PostgreSQL at {server.host}:{server.port} did not answer within {seconds:g} s: {said}\n"
                    "See its log: `lab logs postgres`."
                ) from None
        time.sleep(0.1)


def main(seconds: float = 30) -> int:
    """Returns 0, or 1 with words on stderr."""
    try:
        plan = Plan.read(os.environ)
        with connected(plan.server, seconds) as server:
            prepare(server, plan.accounts)
    except ProvisionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except DBAPIError as error:
        sys.stderr.write(f"PostgreSQL refused what was to be prepared: {str(error.orig).strip()}\n")
        return 1
    sys.stdout.write(f"Databases: {', '.join(each.database for each in plan.accounts) or 'none asked for'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
