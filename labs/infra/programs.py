"""Finds the programs that the lab runs but does not contain: on PATH (conda, Homebrew, system), else in
home()/programs, else fetches them there. Only the standard library: it runs before anything is installed."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from labs.infra.debian import FetchError, Progress, fetch_debian
from labs.infra.home import home

__all__ = ["FetchError", "RabbitMQ", "fetch_rabbitmq", "find_rabbitmq"]

# Where package managers put servers and what an ordinary user's PATH may lack.
_BESIDES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin", "/usr/local/opt/rabbitmq/sbin")


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
