"""A private PostgreSQL: how it starts and ends, and what it keeps to."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from labs.infra.postgres.server import ADMINISTRATOR
from labs.services.chassis.probe import probe
from tests.infra.nodes import eventually, free_ports, gone, run_module
from tests.postgres import ask, why_not

PASSWORD = "a 'password' of the test: \\%s"


@pytest.fixture(scope="module", autouse=True)
def _postgres_is_here() -> None:
    if reason := why_not():
        pytest.skip(reason)


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
