"""A private PostgreSQL for unit tests: one server for the session, a fresh database for each test that asks. Loaded for every
test by the project's conftest.py; nothing starts before it is asked for.

    def test_something(database_url): ...      # runs twice: on SQLite and on PostgreSQL
    def test_something(postgresql_url): ...    # on PostgreSQL alone
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text

from labs.infra.debian import can_fetch
from labs.infra.ports import HOST, Ports
from labs.infra.postgres.provision import ProvisionError, connected
from labs.infra.postgres.server import ADMINISTRATOR
from labs.infra.programs import FetchError, fetch_postgres, find_postgres


def why_not() -> str:
    """Empty once PostgreSQL is here, fetched if need be; else why no test can have one."""
    if find_postgres():
        return ""
    if not can_fetch():
        return "PostgreSQL is not here; `lab doctor` says how to get it"
    try:
        fetch_postgres(lambda _: None)
    except FetchError as error:
        return f"PostgreSQL cannot be fetched: {str(error).splitlines()[0]}"
    return ""


def ask(url: URL, question: str) -> object:
    """The only value of the answer; None if there is no answer to it."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            answer = connection.execute(text(question))
            return answer.scalar() if answer.returns_rows else None
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    """The administrator's URL of a server of this session's own. It forgets a crash of the machine, so that it is quick."""
    if reason := why_not():
        (pytest.fail if os.environ.get("CI") and can_fetch() else pytest.skip)(
            reason
        )  # CI must not pass by leaving it out
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="lab-postgres-")))
        ports = Ports()
        ending.callback(ports.release)
        url = URL.create(
            "postgresql+psycopg2", ADMINISTRATOR, secrets.token_urlsafe(12), HOST, ports.claim(), "postgres"
        )
        command = [sys.executable, "-m", "labs.infra.postgres.server", str(folder / "server")]
        command += ["--bind", f"{HOST}:{url.port}", "--set", "fsync=off"]
        environment = {**os.environ, "POSTGRES_PASSWORD": str(url.password)}
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        ending.callback(server.wait, 20)
        ending.callback(server.send_signal, signal.SIGINT)
        try:
            connected(url, 30).close()
        except ProvisionError:
            pytest.fail((folder / "log").read_text())
        yield url


@pytest.fixture
def new_postgresql(postgresql: URL) -> Iterator[Callable[[], str]]:
    """Makes fresh, empty databases and returns their SQLAlchemy URLs; they go with the test."""
    made = []
    with connected(postgresql, 10) as server:

        def make() -> str:
            made.append(f"test_{secrets.token_hex(6)}")
            server.execute(text(f"CREATE DATABASE {made[-1]}"))
            return postgresql.set(database=made[-1]).render_as_string(hide_password=False)

        yield make
        for name in made:
            server.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def postgresql_url(new_postgresql: Callable[[], str]) -> str:
    """The SQLAlchemy URL of a fresh, empty PostgreSQL database."""
    return new_postgresql()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of a fresh, empty database; the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/fresh.db"
    return str(request.getfixturevalue("postgresql_url"))
