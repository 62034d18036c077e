"""Finds the programs that the lab runs but does not contain: on PATH (conda, Homebrew, system), else in
home()/programs, else fetches them there. Only the standard library: it runs before anything is installed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labs.infra.debian import FetchError, Progress, fetch_debian, libraries
from labs.infra.home import home

__all__ = [
    "FetchError",
    "Postgres",
    "RabbitMQ",
    "fetch_postgres",
    "fetch_rabbitmq",
    "find_postgres",
    "find_program",
    "find_rabbitmq",
]

# Where package managers put servers and what an ordinary user's PATH may lack.
_BESIDES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin", "/usr/local/opt/rabbitmq/sbin")
# Debian and Homebrew keep PostgreSQL's server out of everybody's PATH: several versions may be there side by side.
_POSTGRES = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin")


@dataclass(frozen=True)
class RabbitMQ:
    """An installed or fetched RabbitMQ with the Erlang that runs it."""

    scripts: Path  # holds rabbitmq-server and rabbitmq-env; never a wrapper that changes user or directory
    erlang: Path  # holds erl and epmd
    version: str  # "3.10.8"
    root: Path | None = None  # the tree that was unpacked, where everything under /usr is found; None: installed

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version, to compare."""
        major, minor = re.findall(r"\d+", self.version)[:2]
        return int(major), int(minor)


@dataclass(frozen=True)
class Postgres:
    """An installed or fetched PostgreSQL server."""

    programs: Path  # holds postgres and initdb
    version: str  # "17.6"
    root: Path | None = None  # as with RabbitMQ

    @property
    def environment(self) -> dict[str, str]:
        """What its programs need in theirs."""
        return _with_libraries(self.root)


def find_program(name: str) -> str | None:
    """The path of a program: of this environment, such as Envoy from its wheel, else on PATH."""
    return shutil.which(
        name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    )


def find_rabbitmq() -> RabbitMQ | None:
    """What is on PATH, else what was fetched before, else None."""
    return _installed() or _fetched(_rabbitmq_folder())


def fetch_rabbitmq(progress: Progress) -> RabbitMQ:
    """Gets RabbitMQ and Erlang into home()/programs if they are not there yet, and returns them. Safe to interrupt
    and to run twice at once. Raises FetchError."""
    folder = _rabbitmq_folder()
    fetch_debian(["rabbitmq-server"], folder, progress, family="erlang-")
    if not (found := _fetched(folder)):
        raise FetchError(
            f"What was fetched into {folder} has no RabbitMQ in it. Remove that folder and do the same again."
        )
    return found


def find_postgres() -> Postgres | None:
    """What is on PATH or where package managers put it, the newest first, else what was fetched before, else None."""
    return next(_installed_postgres(), None) or _fetched_postgres(_postgres_folder())


def fetch_postgres(progress: Progress) -> Postgres:
    """As fetch_rabbitmq. LLVM, 100 MB for a compiler of queries that the labs switch off, stays away."""
    folder = _postgres_folder()
    fetch_debian(["postgresql"], folder, progress, family="postgresql-", without=("libllvm",))
    if not (found := _fetched_postgres(folder)):
        raise FetchError(
            f"What was fetched into {folder} has no PostgreSQL in it. Remove that folder and do the same again."
        )
    return found


def _postgres_folder() -> Path:
    return home() / "programs" / "postgresql"


def _installed_postgres() -> Iterator[Postgres]:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.prefix) / "bin")])
    if found := shutil.which("postgres", path=path):
        yield from _postgres_in(Path(found).resolve().parent)
    for pattern in _POSTGRES:
        for folder in _newest_first(Path("/").glob(pattern[1:])):
            yield from _postgres_in(folder)


def _fetched_postgres(root: Path) -> Postgres | None:
    folders = _newest_first(root.glob("usr/lib/postgresql/*/bin"))
    return next((found for folder in folders for found in _postgres_in(folder, root)), None)


def _newest_first(folders: Iterator[Path]) -> list[Path]:
    return sorted(folders, key=lambda folder: [int(number) for number in re.findall(r"\d+", str(folder))], reverse=True)


def _postgres_in(programs: Path, root: Path | None = None) -> Iterator[Postgres]:
    if (programs / "postgres").exists() and (programs / "initdb").exists():
        asked = [str(programs / "postgres"), "--version"]
        environment = {**os.environ, **_with_libraries(root)}
        said = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False).stdout
        if version := re.search(r"\d+(\.\d+)?", said):
            yield Postgres(programs, version[0], root)


def _with_libraries(root: Path | None) -> dict[str, str]:
    found = libraries(root) if root else []
    return {"LD_LIBRARY_PATH": os.pathsep.join(found)} if found else {}


def _rabbitmq_folder() -> Path:
    return home() / "programs" / "rabbitmq"


def _installed() -> RabbitMQ | None:
    environment = str(Path(sys.prefix) / "bin")  # a conda environment whose python is called by its path
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), environment, *_BESIDES])
    erl = shutil.which("erl", path=path)
    server = shutil.which("rabbitmq-server", path=path)
    if not erl or not server:
        return None
    prefix = Path(server).parent.parent
    for scripts in (Path(server).resolve().parent, prefix / "lib/rabbitmq/sbin", prefix / "lib/rabbitmq/bin"):
        if (scripts / "rabbitmq-env").exists() and (version := _version(scripts)):
            return RabbitMQ(scripts.resolve(), Path(erl).parent, version)
    return None


def _fetched(folder: Path) -> RabbitMQ | None:
    erlang = folder / "usr/lib/erlang/bin"
    for server in sorted(folder.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")):
        if (erlang / "erl").exists() and (version := _version(server.parent)):
            return RabbitMQ(server.parent, erlang, version, root=folder)
    return None


def _version(scripts: Path) -> str | None:
    plugins = (scripts / "rabbitmq-env").resolve().parent.parent / "plugins"
    found = [re.match(r"rabbit-(\d+\.\d+[.\d]*?)(?:\.ez)?$", entry.name) for entry in plugins.glob("rabbit-*")]
    return next((match[1] for match in found if match), None)
