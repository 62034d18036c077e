"""The steps of `make setup`, each with its seconds. What is done is remembered by a stamp: a second run asks nobody
and needs no network."""

import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from labs.infra import doctor
from labs.infra.debian import FetchError, disk_words
from labs.infra.home import PROJECT, home
from labs.infra.packages import InstallError, install, make_environment
from labs.infra.programs import fetch_rabbitmq, find_rabbitmq

ENVIRONMENT = PROJECT / ".venv"
STAMP = ENVIRONMENT / "lab-setup"


def setup() -> int:
    """Does what is not done yet. Returns 0, or 1 with words and the doctor's list."""
    began = time.monotonic()
    try:
        if _packages_are_there() and find_rabbitmq():
            return 0
        if not os.access(PROJECT, os.W_OK):
            raise InstallError(
                f"You may not write to {PROJECT}, where .venv belongs.\nCopy the project to a folder of yours."
            )
        with _alone(), ThreadPoolExecutor(1) as aside:
            programs = aside.submit(_programs)
            _packages()
            programs.result()
    except (InstallError, FetchError) as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(disk_words(error, Path(error.filename or PROJECT)))
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. `make setup` goes on where it was.\n")
        return 130
    _say(f"Ready after {time.monotonic() - began:.0f} s.")
    return 0


def _packages() -> None:
    if _packages_are_there():
        return
    STAMP.unlink(missing_ok=True)
    with _step("Python packages") as say:
        python = make_environment(ENVIRONMENT)
        install(python, PROJECT, home() / "programs", say)
    STAMP.write_text(_fingerprint())


def _programs() -> None:
    if not find_rabbitmq():
        with _step("RabbitMQ and Erlang") as say:
            fetch_rabbitmq(say)


def _packages_are_there() -> bool:
    try:
        return STAMP.read_text() == _fingerprint() and (ENVIRONMENT / "bin/python").exists()
    except OSError:
        return False


def _fingerprint() -> str:
    """Changes with the lock, with what the project installs, with Python, and when the project is moved."""
    facts = hashlib.sha256()
    for name in ("requirements.lock", "pyproject.toml"):
        facts.update((PROJECT / name).read_bytes())
    facts.update(f"{sys.version_info[:2]} {PROJECT}".encode())
    return facts.hexdigest()


@contextmanager
def _alone() -> Iterator[None]:
    """One set-up at a time; a second one waits, then finds everything done."""
    with (home() / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _step(name: str) -> Iterator[Callable[[str], None]]:
    """Says when the step is done and how long it took; it has a voice of its own, since two steps run side by side."""
    began = time.monotonic()
    yield lambda words: _say(f"{name}: {words}")
    _say(f"{name}: done in {time.monotonic() - began:.1f} s")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def _failed(words: str) -> int:
    sys.stderr.write(f"\n{words}\n\nWhat the lab needs, and what is here:\n\n{doctor.render(doctor.examine())}\n")
    return 1
