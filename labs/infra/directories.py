"""The folders of systems under home()/systems, one each: locked while owner or guard lives, removed when its like comes."""

import contextlib
import fcntl
import json
import shutil
from pathlib import Path
from typing import IO, Any

import psutil

from labs.infra.home import PROJECT, home


def make(name: str, system_id: str) -> tuple[Path, IO[str]]:
    """A new folder for a system, and the lock on it: whoever holds that file open keeps the system alive. Raises OSError."""
    directory = home() / "systems" / system_id
    directory.mkdir(parents=True, mode=0o700)  # it holds databases, logs and addresses with passwords
    (directory / "logs").mkdir(mode=0o700)
    (directory / "name").write_text(name)
    lock = (directory / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return directory, lock


def copy_code(target: Path) -> None:
    """The services' code as the project has it now, for one system to run and for a learner to change. Raises OSError."""
    for source in (PROJECT / "labs/__init__.py", *(PROJECT / "labs/services").rglob("*")):
        if source.is_file() and "__pycache__" not in source.parts:
            copy = target / source.relative_to(PROJECT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


def guard(directory: Path) -> psutil.Process | None:
    """The guard of a system while it lives; none before it has started and after it has left."""
    try:
        process = psutil.Process(state(directory)["guard"])
        lives = process.status() != psutil.STATUS_ZOMBIE and str(directory) in process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if lives else None


def running() -> list[Path]:
    """The folders of the systems that run now."""
    return [directory for directory in every() if guard(directory)]


def alive(directory: Path) -> bool:
    """Whether its owner or its guard still runs."""
    try:
        with (directory / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def every() -> list[Path]:
    """The folders of all systems, alive or not."""
    return sorted(p for p in (home() / "systems").glob("*") if p.is_dir())


def state(directory: Path) -> dict[str, Any]:
    """What the guard wrote last: {"guard": pid, "services": {name: {pid, state, restarts, code, address, group, …}}}."""
    with contextlib.suppress(OSError, ValueError):
        loaded: dict[str, Any] = json.loads((directory / "state.json").read_text())
        return loaded
    return {"guard": 0, "services": {}}


def prune(name: str) -> None:
    """Remove what dead systems of this name left."""
    for directory in every():
        with contextlib.suppress(OSError):
            if (directory / "name").read_text() == name and not alive(directory):
                shutil.rmtree(directory)
