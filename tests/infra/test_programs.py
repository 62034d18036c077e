"""RabbitMQ is found where package managers put it, or fetched without root; what goes wrong is said plainly."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labs.infra import programs
from labs.infra.debian import FetchError, can_fetch, disk_words, fetch_debian
from labs.infra.debian import _closure as closure  # what is worth testing without a network

FETCH = "from labs.infra.programs import fetch_rabbitmq; print(fetch_rabbitmq(print).version)"
needs_apt = pytest.mark.skipif(not can_fetch(), reason="programs are fetched on Debian and Ubuntu only")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it: PATH, the usual places and the lab's home are in an empty folder."""
    monkeypatch.setattr(programs, "_BESIDES", ())
    monkeypatch.setattr(programs, "_POSTGRES", (f"{tmp_path}/usr/lib/postgresql/*/bin",))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setenv("PATH", str(tmp_path / "usr/bin") + os.pathsep + str(tmp_path / "usr/sbin"))
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    return tmp_path


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def release(scripts: Path, version: str) -> Path:
    """The scripts and plugins of a RabbitMQ, as every package has them."""
    program(scripts / "rabbitmq-server")
    program(scripts / "rabbitmq-env")
    (scripts.parent / "plugins" / f"rabbit-{version}").mkdir(parents=True)
    (scripts.parent / "plugins" / f"rabbit_common-{version}").mkdir()
    return scripts


@pytest.mark.usefixtures("bare")
def test_nothing_is_found_on_a_bare_machine() -> None:
    assert programs.find_rabbitmq() is None


def postgres(folder: Path, version: str) -> Path:
    """The programs of a PostgreSQL server, which say their version."""
    program(folder / "initdb")
    program(folder / "postgres").write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Debian)'\n")
    return folder


def test_of_debians_postgresqls_the_newest_is_taken(bare: Path) -> None:
    assert programs.find_postgres() is None
    postgres(bare / "usr/lib/postgresql/9/bin", "9.6")
    newest = postgres(bare / "usr/lib/postgresql/15/bin", "15.18")
    program(bare / "usr/lib/postgresql/16/bin/psql")  # a client alone
    found = programs.find_postgres()

    assert found and (found.version, found.programs, found.root) == ("15.18", newest, None)
    assert found.environment == {}


def test_a_postgresql_on_the_path_goes_first_and_a_fetched_one_last(bare: Path) -> None:
    fetched = postgres(bare / "home/programs/postgresql/usr/lib/postgresql/17/bin", "17.6")
    library = bare / "home/programs/postgresql/usr/lib/x86_64-linux-gnu"
    library.mkdir(parents=True)
    last = programs.find_postgres()
    assert last and (last.programs, last.environment) == (fetched, {"LD_LIBRARY_PATH": str(library)})

    postgres(bare / "usr/lib/postgresql/15/bin", "15.18")
    beside = programs.find_postgres()
    assert beside and beside.version == "15.18"

    own = postgres(bare / "opt/pg/bin", "18")
    (bare / "usr/bin").mkdir(parents=True)
    (bare / "usr/bin/postgres").symlink_to(own / "postgres")
    first = programs.find_postgres()
    assert first and (first.version, first.programs) == ("18", own)


def test_rabbitmq_without_erlang_does_not_count(bare: Path) -> None:
    release(bare / "usr/sbin", "3.13.7")

    assert programs.find_rabbitmq() is None


def test_debians_wrapper_is_passed_by(bare: Path) -> None:
    wrapper = program(bare / "usr/sbin/rabbitmq-server")
    program(bare / "usr/bin/erl")
    scripts = release(bare / "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin", "3.10.8")
    (bare / "usr/lib/rabbitmq/bin").mkdir()
    for script in scripts.iterdir():
        (bare / "usr/lib/rabbitmq/bin" / script.name).symlink_to(script)
    found = programs.find_rabbitmq()

    assert found and found.version == "3.10.8"
    assert (found.scripts / "rabbitmq-server").resolve() == scripts / "rabbitmq-server" != wrapper


def test_condas_wrapper_is_passed_by(bare: Path) -> None:
    scripts = release(bare / "usr/lib/rabbitmq/sbin", "4.3.0")
    program(scripts / "rabbitmq-script-wrapper")
    program(bare / "usr/bin/erl")
    (bare / "usr/bin/rabbitmq-server").symlink_to("../lib/rabbitmq/sbin/rabbitmq-script-wrapper")
    found = programs.find_rabbitmq()

    assert found and found.scripts == scripts and found.release == (4, 3)


def test_homebrews_links_are_followed(bare: Path) -> None:
    scripts = release(bare / "Cellar/rabbitmq/4.2.1/sbin", "4.2.1")
    program(bare / "usr/bin/erl")
    (bare / "usr/sbin").mkdir()
    (bare / "usr/sbin/rabbitmq-server").symlink_to(scripts / "rabbitmq-server")
    found = programs.find_rabbitmq()

    assert found and found.scripts == scripts and found.erlang == bare / "usr/bin" and found.root is None


def test_what_was_fetched_is_found_and_an_installed_one_goes_first(bare: Path) -> None:
    root = bare / "home/programs/rabbitmq"
    release(root / "usr/lib/rabbitmq/lib/rabbitmq_server-4.0.5/sbin", "4.0.5")
    program(root / "usr/lib/erlang/bin/erl")
    fetched = programs.find_rabbitmq()
    release(bare / "usr/sbin", "4.2.1")
    program(bare / "usr/bin/erl")
    installed = programs.find_rabbitmq()

    assert fetched and (fetched.version, fetched.root) == ("4.0.5", root)
    assert installed and (installed.version, installed.root) == ("4.2.1", None)


@needs_apt
def test_two_fetches_at_once_bring_one_whole_rabbitmq(tmp_path: Path) -> None:
    home = tmp_path / "a home with spaces"
    (home / "programs/.fetch-rabbitmq-of-a-killed-run").mkdir(parents=True)
    environment = {**os.environ, "LAB_HOME": str(home)}
    both = [
        subprocess.Popen([sys.executable, "-c", FETCH], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in "ab"
    ]
    said = [process.communicate(timeout=300)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert sorted("downloading" in words for words in said) == [False, True], "the second finds what the first brought"
    assert {entry.name for entry in (home / "programs").iterdir()} == {".rabbitmq.lock", "rabbitmq"}


@needs_apt
def test_without_a_network_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    environment = {**os.environ, "LAB_HOME": str(tmp_path), "http_proxy": nowhere, "https_proxy": nowhere}
    done = subprocess.run(
        [sys.executable, "-c", FETCH], env=environment, capture_output=True, text=True, check=False, timeout=300
    )

    assert "cannot be reached; the first set-up needs the network" in done.stderr
    assert {entry.name for entry in (tmp_path / "programs").iterdir()} == {".rabbitmq.lock"}


@needs_apt
@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk of one's own takes root")
def test_a_full_disk_is_said_plainly(tmp_path: Path) -> None:
    script = f"mount -t tmpfs -o size=30m none '{tmp_path}' && LAB_HOME='{tmp_path}' '{sys.executable}' -c '{FETCH}'"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False, timeout=300
    )

    assert f"FetchError: The disk is full: {tmp_path}/programs" in done.stderr


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EROFS, "The disk is read-only"),
        (errno.EACCES, "You may not write to"),
    ],
)
def test_what_the_disk_refuses_comes_with_a_way_on(number: int, words: str) -> None:
    said = disk_words(OSError(number, os.strerror(number)), Path("/some/where"))

    assert said.startswith(words) and "/some/where" in said and "LAB_HOME=" in said


def test_a_system_without_apt_is_told_where_to_look(bare: Path) -> None:
    with pytest.raises(FetchError, match="`lab doctor` names the command"):
        fetch_debian(["rabbitmq-server"], bare / "programs/rabbitmq", print)


def test_a_package_brings_its_family_and_the_libraries_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = {
        "rabbitmq-server": [["adduser"], ["erlang-base", "erlang-base-hipe"], ["erlang-os-mon"]],
        "erlang-base": [["libc6"], ["libsctp1"], ["libssl3t64", "libssl3"]],
        "erlang-os-mon": [["erlang-base"]],
        "libsctp1": [["libc6"]],
        "libssl3": [],
        "adduser": [["passwd"]],
    }
    monkeypatch.setattr("labs.infra.debian._installed", lambda: {"libc6"})
    brought = closure(["rabbitmq-server"], "erlang-", lambda names: {n: archive[n] for n in names & archive.keys()})

    assert brought == {"rabbitmq-server", "erlang-base", "erlang-os-mon", "libsctp1", "libssl3"}


def test_a_library_that_is_not_wanted_stays_away_with_all_that_it_alone_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = {"postgresql": [["libllvm14"], ["libpq5"]], "libpq5": [], "libllvm14": [["libz3-4"]], "libz3-4": []}
    monkeypatch.setattr("labs.infra.debian._installed", lambda: set[str]())

    def depends(names: set[str]) -> dict[str, list[list[str]]]:
        return {name: archive[name] for name in names & archive.keys()}

    assert closure(["postgresql"], "", depends) == set(archive)
    assert closure(["postgresql"], "", depends, ("libllvm",)) == {"postgresql", "libpq5"}
