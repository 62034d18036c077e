"""A system runs wherever it is put: in a folder with spaces, without a network, beside another user's."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from labs.classroom.shop import Shop
from labs.infra import shared_broker
from labs.infra.home import PROJECT
from labs.infra.programs import find_rabbitmq
from labs.infra.system import System
from tests.faults.conftest import as_root
from tests.infra.nodes import eventually
from tests.labs.processes import belonging_to

Home = Callable[..., Path]
ORDER = """
import os, sys
from labs.classroom.shop import Shop
from labs.infra.system import System
system = System("shop", private_broker=True)
try:
    system.up("user-service", "order-service", "inventory-service", "outside", timeout=120)
    shop = Shop(system)
    shop.stock("tea", 3)
    order = shop.place(("tea", 1))
    print(shop.wait([order], 30)[order].status, os.getuid(), system.broker.amqp, system.directory, flush=True)
    sys.stdin.read()
finally:
    system.down()
"""


@pytest.mark.parametrize("name", ["a home with spaces", "Übungen für Montag (1)"])
def test_a_folder_with_an_awkward_name_is_a_home_like_any_other(home: Home, name: str) -> None:
    here = home(name)
    with shared_broker.running(here):
        system = System("shop")
        try:
            system.up()
            shop = Shop(system)
            shop.stock("tea", 3)
            order = shop.place(("tea", 1))
            assert shop.wait([order], 30)[order].status == "fulfilled"
            assert len(shop.wait_for_mails(3, order_id=order)) == 3
            assert system.directory.is_relative_to(here)
        finally:
            system.down()


@pytest.fixture
def unusable(tmp_path: Path) -> str:
    """A PATH on which every program that fetches leaves a note and fails."""
    for name in ("apt-get", "apt", "dpkg-deb", "pip", "pip3", "uv", "curl", "wget", "conda", "brew", "git"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "{tmp_path}/fetched"\nexit 1\n')
        program.chmod(0o755)
    return os.pathsep.join((str(tmp_path / "bin"), os.environ["PATH"]))


def without_network() -> list[str]:
    """A prefix for a command that has a loopback and no other network, where that can be had."""
    prefix = ["unshare", "--net", "sh", "-c", 'ip link set lo up 2>/dev/null || ifconfig lo up; exec "$@"', "sh"]
    can = os.geteuid() == 0 and shutil.which("unshare")
    reach = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname(), 2)"
    if can and subprocess.run([*prefix, sys.executable, "-c", reach], capture_output=True, check=False).returncode == 0:
        return prefix
    return []


def test_a_system_needs_no_network_once_it_is_set_up(home: Home, unusable: str, tmp_path: Path) -> None:
    home()
    environment = {
        **os.environ,
        "PATH": unusable,
        "http_proxy": "http://127.0.0.1:1",
        "https_proxy": "http://127.0.0.1:1",
    }
    done = subprocess.run(
        [*without_network(), sys.executable, "-c", ORDER],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=PROJECT,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("fulfilled ")
    assert not (tmp_path / "fetched").exists(), (tmp_path / "fetched").read_text()


def test_a_second_set_up_fetches_nothing(unusable: str, tmp_path: Path, ground) -> None:  # noqa: ARG001
    from labs.infra import setup

    if not setup._packages_are_there() or not find_rabbitmq():
        pytest.skip(
            "this environment was not made by `make setup`; what a first one fetches is no business of this test"
        )
    done = subprocess.run(
        [*without_network(), sys.executable, str(PROJECT / "labs/infra/bootstrap.py")],
        env={**os.environ, "PATH": unusable},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "fetched").exists()


@dataclass
class User:
    """Somebody else on this host, with a clone of the project, a Python and a LAB_HOME."""

    uid: int
    gid: int
    python: Path
    project: Path
    home: Path

    def popen(self, code: str) -> "subprocess.Popen[str]":
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LAB_HOME": str(self.home / "lab")}
        how = {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": self.project, "env": environment}
        return subprocess.Popen([str(self.python), "-c", code], stdin=-1, stdout=-1, stderr=-1, text=True, **how)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def somebody(home: Home) -> Iterator[User]:
    as_root()
    if not shutil.which("useradd"):
        pytest.skip("no useradd here to make an ordinary user with")
    programs = (home() / "programs").resolve()
    name, place = f"lab-{os.getpid()}", Path(tempfile.mkdtemp(prefix="lab-user-"))
    place.chmod(0o755)
    subprocess.run(["useradd", "--no-create-home", "--home-dir", str(place / "home"), name], check=True)
    try:
        entry = pwd.getpwnam(name)
        user = User(entry.pw_uid, entry.pw_gid, place / "venv/bin/python", place / "project", place / "home")
        (user.home / "lab").mkdir(parents=True)
        shutil.copytree(programs, user.home / "lab/programs", symlinks=True)
        shutil.copytree(PROJECT / "labs", user.project / "labs", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(PROJECT / "docker-compose.yml", user.project)
        for path in [user.home, *user.home.rglob("*")]:
            os.chown(path, user.uid, user.gid, follow_symlinks=False)
        _python_for(user, place / "venv")
        yield user
        eventually(lambda: not belonging_to_user(user), 20, "nothing of that user runs")
    finally:
        subprocess.run(["userdel", name], check=True)
        shutil.rmtree(place)


def belonging_to_user(user: User) -> list[int]:
    found = psutil.process_iter(["uids", "pid"])  # whose ids are None if it ended meanwhile
    return [process.pid for process in found if process.info["uids"] and process.info["uids"].real == user.uid]


def _python_for(user: User, environment: Path) -> None:
    """An environment with our packages on a Python that an ordinary user can run."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (
        getattr(sys, "_base_executable", sys.executable),
        f"/usr/bin/{version}",
        f"/usr/local/bin/{version}",
    ):
        if not Path(python).exists():
            continue
        shutil.rmtree(environment, ignore_errors=True)
        made = subprocess.run(
            [python, "-m", "venv", "--without-pip", str(environment)], capture_output=True, check=False
        )
        if made.returncode:
            continue
        packages = environment / "lib" / version / "site-packages"
        ours = next(path for path in sys.path if path.endswith("site-packages"))
        (packages / "lab.pth").write_text(f"{user.project}\n{ours}\n")
        try:
            with user.popen("import sqlalchemy, greenlet, pydantic, labs; print(labs.__file__)") as tried:
                if str(user.project) in tried.communicate()[0]:
                    return
        except PermissionError:  # it lies in somebody's private folder
            continue
    pytest.skip(f"no {version} here that an ordinary user may run")


def test_root_and_an_ordinary_user_run_their_systems_at_the_same_time(somebody: User) -> None:
    environment = {**os.environ, "LAB_HOME": os.environ["LAB_HOME"]}
    root = subprocess.Popen(
        [sys.executable, "-c", ORDER], stdin=-1, stdout=-1, stderr=-1, text=True, env=environment, cwd=PROJECT
    )
    theirs = somebody.popen(ORDER)
    said = []
    for process in (root, theirs):
        assert process.stdout and process.stderr
        said.append(process.stdout.readline().split(maxsplit=3) or [process.stderr.read()])
    mine = belonging_to(Path(os.environ["LAB_HOME"]))
    assert [words[:2] for words in said] == [["fulfilled", "0"], ["fulfilled", str(somebody.uid)]], said
    assert said[0][2] != said[1][2], "each has a broker of its own"
    assert said[1][3].startswith(str(somebody.home))
    assert mine and not [process for process in mine if process.uids().real == somebody.uid]
    for process in (root, theirs):
        process.communicate(timeout=90)
        assert process.returncode == 0
