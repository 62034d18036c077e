"""A system whose data are in PostgreSQL."""

from collections.abc import Callable

import psutil
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from labs.infra.start_error import StartError
from labs.infra.system import POSTGRES, POSTGRES_SETUP, SETUP, System
from labs.services.chassis.probe import probe
from tests.infra.nodes import eventually, gone
from tests.infra.small import add, entry, shipped, task
from tests.postgres import ask, why_not


@pytest.fixture(scope="module", autouse=True)
def _postgres_is_here() -> None:
    if reason := why_not():
        pytest.skip(reason)


WRITES = """
import os
from sqlalchemy import create_engine, text
with create_engine(os.environ["DATABASE_URL"]).begin() as connection:
    connection.execute(text("CREATE TABLE IF NOT EXISTS here (place TEXT)"))
print(os.environ["DATABASE_URL"].split(":")[0], flush=True)
"""


def keeping(system: System, *services: str) -> System:
    """Only PostgreSQL, its set-up, and for each of these services a migration and what waits for it."""
    system.services.clear()
    (system.places.code / "writes.py").write_text(WRITES)
    migrations = {
        f"{name}-migrate": task(
            "done",
            command=["python", "-m", "writes"],
            environment={
                "SERVICE": f"{name}-service",
                "DATABASE_URL": f"${{DATABASE_{name.upper()}:-sqlite:///{name}.db}}",
            },
            depends_on={POSTGRES_SETUP: {"condition": "service_completed_successfully", "required": False}},
        )
        for name in services
    }
    done = {name: {f"{name}-migrate": {"condition": "service_completed_successfully"}} for name in services}
    apis = {f"{name}-api": entry("steady", depends_on=done[name]) for name in services}
    add(system, **{name: shipped(name) for name in (POSTGRES, POSTGRES_SETUP)}, **migrations, **apis)
    return system


def test_data_are_in_files_unless_postgresql_is_asked_for(system: Callable[..., System]) -> None:
    plain = keeping(system("plain"), "order")

    assert plain.up("order-api") == ["order-migrate", "order-api"]
    assert plain.log("order-migrate").read_text() == "sqlite\n"
    assert plain.database_url("order") == "sqlite:///order.db"


def test_each_service_finds_its_own_database_ready(system: Callable[..., System]) -> None:
    kept = keeping(system("kept", databases="postgresql"), "order", "user")

    assert kept.up() == [POSTGRES, POSTGRES_SETUP, "order-migrate", "user-migrate", "order-api", "user-api"]
    assert kept.log("order-migrate").read_text() == "postgresql+psycopg2\n"
    url = kept.database_url("order")
    assert url.startswith("postgresql+psycopg2://order:")
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM here")) == 0
    engine.dispose()
    with pytest.raises(OperationalError, match='permission denied for database "user"'):
        create_engine(url.removesuffix("order") + "user").connect()


def test_a_service_that_joins_later_gets_its_database_too(system: Callable[..., System]) -> None:
    joined = system("joined", databases="postgresql")
    joined.up(SETUP, POSTGRES_SETUP)
    joined.add_consumer("loyalty")
    joined.provision()

    assert joined.state(POSTGRES) == "running"
    assert ask(make_url(joined.database_url("loyalty")), "SELECT current_user") == "loyalty"


def test_a_killed_server_comes_back_with_what_was_committed(system: Callable[..., System]) -> None:
    killed = keeping(system("killed", databases="postgresql"), "order")
    killed.up()
    engine = create_engine(killed.database_url("order"), pool_pre_ping=True)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO here VALUES ('committed')"))
    process = psutil.Process(killed.pid(POSTGRES))
    assert "postgres" in process.name()
    process.kill()

    eventually(lambda: killed.pid(POSTGRES) not in (0, process.pid), 10, "it is started again")
    address = killed.address(POSTGRES)
    eventually(lambda: not probe(f"postgresql://{address}"), 20, "it answers at the same address")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT place FROM here")) == "committed"
        family = [psutil.Process(killed.pid(POSTGRES)), *psutil.Process(killed.pid(POSTGRES)).children(recursive=True)]
        killed.stop(POSTGRES)
        assert killed.exit_code(POSTGRES) == 0, "it was killed after its grace"
        connection.invalidate()
    assert gone(family)
    engine.dispose()


def test_where_none_can_be_had_it_is_said(system: Callable[..., System], monkeypatch: pytest.MonkeyPatch) -> None:
    from labs.infra import programs
    from labs.infra import system as systems

    monkeypatch.setattr(systems, "find_postgres", lambda: None)
    monkeypatch.setattr(programs, "_fetched_postgres", lambda _: None)
    monkeypatch.setattr("labs.infra.debian.can_fetch", lambda: False)
    bare = keeping(system("bare", databases="postgresql"), "order")
    with pytest.raises(StartError, match=r"PostgreSQL is not here\. (.|\n)*`lab doctor` names the command"):
        bare.up()
