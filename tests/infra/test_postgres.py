"""A private PostgreSQL: who may do what in it, how it starts and ends, and how a system keeps its data there."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from labs.infra.postgres.provision import Account, connected, prepare
from labs.infra.postgres.server import ADMINISTRATOR
from labs.infra.start_error import StartError
from labs.infra.system import POSTGRES, POSTGRES_SETUP, SETUP, System
from labs.services.chassis.probe import probe
from tests.infra.nodes import eventually, free_ports, gone, run_module
from tests.infra.small import add, entry, shipped, task
from tests.postgres import why_not

PASSWORD = "a 'password' of the test: \\%s"
PROVISION = "labs.infra.postgres.provision"


@pytest.fixture(scope="module", autouse=True)
def _postgres_is_here() -> None:
    if reason := why_not():
        pytest.skip(reason)


def ask(url: URL, question: str) -> object:
    """The only value of the answer; None if there is no answer to it."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            answer = connection.execute(text(question))
            return answer.scalar() if answer.returns_rows else None
    finally:
        engine.dispose()


def of(server: URL, account: Account, database: str = "") -> URL:
    """How a role comes to its database, or tries to come to another."""
    return server.set(username=account.role, password=account.password, database=database or account.database)


# --- who may do what ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def accounts(postgresql: URL) -> list[Account]:
    """Of two services whose names are words of SQL; the server has them, asked twice."""
    made = [Account("order", "o' --", "order"), Account("user", 'u"%(x)s', "user")]
    with connected(postgresql, 10) as server:
        prepare(server, made)
        prepare(server, made)
    return made


def test_a_service_owns_its_database(postgresql: URL, accounts: list[Account]) -> None:
    for account in accounts:
        url = of(postgresql, account)
        ask(url, "CREATE TABLE IF NOT EXISTS mine (id INTEGER)")

        assert ask(url, "SELECT current_user") == account.role
        assert ask(url, "SELECT tableowner FROM pg_tables WHERE tablename = 'mine'") == account.role


@pytest.mark.parametrize("database", ["user", "postgres", "template1"])
def test_a_service_may_not_even_connect_to_anothers_database(
    postgresql: URL, accounts: list[Account], database: str
) -> None:
    with pytest.raises(OperationalError, match=f'permission denied for database "{database}"'):
        ask(of(postgresql, accounts[0], database), "SELECT 1")


@pytest.mark.parametrize(
    "forbidden",
    ["CREATE ROLE friend", "ALTER ROLE \"user\" PASSWORD 'known'", "SELECT pg_read_file('/etc/hostname')"],
)
def test_a_service_has_no_power_over_the_server(postgresql: URL, accounts: list[Account], forbidden: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must (be|have)"):
        ask(of(postgresql, accounts[0]), forbidden)


def test_nobody_comes_in_with_another_password(postgresql: URL, accounts: list[Account]) -> None:
    with pytest.raises(OperationalError, match="password authentication failed"):
        ask(of(postgresql, accounts[0]).set(password="x"), "SELECT 1")


def test_a_new_password_replaces_the_old_one(postgresql: URL) -> None:
    old, new = Account("renewed", "old", "renewed"), Account("renewed", "new", "renewed")
    with connected(postgresql, 10) as server:
        prepare(server, [old])
        prepare(server, [new])

    assert ask(of(postgresql, new), "SELECT 1") == 1
    with pytest.raises(OperationalError, match="password authentication failed"):
        ask(of(postgresql, old), "SELECT 1")


def setup(postgresql: URL, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What postgres-setup does."""
    usual = {
        "POSTGRES_SERVER": f"{postgresql.host}:{postgresql.port}",
        "POSTGRES_USER": str(postgresql.username),
        "POSTGRES_PASSWORD": str(postgresql.password),
    }
    return run_module(PROVISION, **{**usual, **environment})


def test_databases_are_made_for_the_urls_that_services_get(postgresql: URL) -> None:
    url = postgresql.set(username="stock", password="p@ss/word", database="stock")
    wanted = url.render_as_string(hide_password=False)
    done = setup(postgresql, DATABASE_STOCK=wanted, DATABASE_FILE="sqlite:////var/lib/file.db", DATABASE_NONE="")

    assert (done.returncode, done.stdout, done.stderr) == (0, "Databases: stock\n", "")
    assert ask(url, "SELECT current_database()") == "stock"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"POSTGRES_SERVER": ""}, "POSTGRES_SERVER is not set"),
        ({"POSTGRES_PASSWORD": "x"}, "does not take the password of 'postgres'"),
    ],
)
def test_what_keeps_it_from_preparing_is_said(postgresql: URL, wrong: dict[str, str], words: str) -> None:
    done = setup(postgresql, **wrong)

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


# --- how it starts and ends -----------------------------------------------------------------------------------------------


@contextmanager
def server(directory: Path, **environment: str) -> Iterator[tuple["subprocess.Popen[bytes]", URL]]:
    """A server in this folder, and its administrator's URL; killed at the end if the test did not end it."""
    port = free_ports().amqp
    log = directory.with_name("log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "labs.infra.postgres.server", str(directory), "--bind", f"127.0.0.1:{port}"],
            env={**os.environ, "POSTGRES_PASSWORD": PASSWORD, **environment},
            stdout=output,
            stderr=output,
        )
    url = URL.create("postgresql+psycopg2", ADMINISTRATOR, PASSWORD, "127.0.0.1", port, "postgres")
    try:
        yield process, url
    finally:
        process.kill()
        process.wait()


def ready(process: "subprocess.Popen[bytes]", url: URL) -> None:
    """Waits; fails at once when the process has ended."""

    def answers() -> bool:
        assert process.poll() is None
        return not probe(f"postgresql://{url.host}:{url.port}")

    eventually(answers, 20, "it is ready")


def test_it_keeps_data_over_a_stop_that_waits_for_nobody(tmp_path: Path) -> None:
    with server(tmp_path / "pg") as (process, url):
        ready(process, url)
        ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        engine = create_engine(url)
        with engine.connect() as idle:
            idle.execute(text("SELECT 1"))
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0, "it waits for one that is connected"
            idle.invalidate()
        engine.dispose()
    with server(tmp_path / "pg") as (process, url):
        ready(process, url)
        assert ask(url, "SELECT answer FROM kept") == 42


def test_it_listens_on_the_loopback_alone_and_wants_a_password(tmp_path: Path) -> None:
    with server(tmp_path / "pg") as (process, url):
        ready(process, url)
        kinds = [c.laddr for c in psutil.Process(process.pid).net_connections("all") if c.status == psutil.CONN_LISTEN]
        assert [(ip, port) for ip, port in kinds] == [("127.0.0.1", url.port)]
        assert ask(url, "SELECT DISTINCT auth_method FROM pg_hba_file_rules") == "scram-sha-256"
        assert ask(url, "SHOW fsync") == ask(url, "SHOW synchronous_commit") == "on"
        with pytest.raises(OperationalError, match="password authentication failed"):
            ask(url.set(password="x"), "SELECT 1")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give anything up")
def test_root_gives_itself_up_and_keeps_its_folders_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with server(closed / "pg") as (process, url):
        ready(process, url)
        users = {
            each.info["username"]
            for each in psutil.process_iter(["username", "ppid"])
            if each.info["ppid"] == process.pid
        }
        assert users == {psutil.Process(process.pid).username()} == {"nobody"}
        effective = [line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "CapEff" in line]
        assert int(effective[0].split()[1], 16).bit_count() <= 1
        with pytest.raises(ProgrammingError, match="Permission denied"):
            ask(url, f"COPY (SELECT 1) TO '{closed / 'written'}'")
    assert not (closed / "written").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_it_does_not_outlive_whoever_started_it(tmp_path: Path) -> None:
    with server(tmp_path / "pg") as (process, url):
        ready(process, url)
        process.send_signal(signal.SIGINT)
        process.wait(20)
    port = url.port
    starter = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-m", "labs.infra.postgres.server", {str(tmp_path / "pg")!r}, "--bind", "127.0.0.1:{port}"])
time.sleep(600)
"""
    with (tmp_path / "said").open("w") as said:
        parent = subprocess.Popen([sys.executable, "-c", starter], stdout=said, stderr=said)
    try:
        ready(parent, url)
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) >= 5
    finally:
        parent.kill()
        parent.wait()

    eventually(lambda: gone(family), 10, "all of it has ended")


def test_a_first_start_that_was_killed_is_made_again(tmp_path: Path) -> None:
    half = tmp_path / "pg/data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("half a database")
    with server(tmp_path / "pg") as (process, url):
        ready(process, url)
        assert not half.exists()
        assert {path.name for path in (tmp_path / "pg").iterdir()} == {"data"}, "the password is not left there"


def test_without_a_password_it_says_so(tmp_path: Path) -> None:
    done = run_module("labs.infra.postgres.server", str(tmp_path / "pg"), "--bind", "127.0.0.1:1", POSTGRES_PASSWORD="")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("POSTGRES_PASSWORD is not set")


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with server(tmp_path / "pg") as (process, url), socket.create_server(("127.0.0.1", 0)) as other:
        ready(process, url)
        process.send_signal(signal.SIGINT)
        process.wait(20)
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        done = run_module("labs.infra.postgres.server", str(tmp_path / "pg"), "--bind", taken)

    assert done.returncode == 1
    assert "Address already in use" in done.stderr


# --- how a system keeps its data there ------------------------------------------------------------------------------------

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
