"""Places for systems that are going to be hurt."""

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from labs.infra.system import Databases, System
from tests.faults.storm import Storm
from tests.ground import Ground
from tests.infra.nodes import gone
from tests.labs.processes import left_over

DATABASES: Databases = "postgresql" if os.environ.get("LAB_DATABASES") == "postgresql" else "sqlite"


@pytest.fixture
def home(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Makes LAB_HOMEs with the programs in them, in which nobody else is; at the end none has a process left."""
    made: list[Path] = []

    def make(name: str = "home", inside: Path | None = None) -> Path:
        place = Path(tempfile.mkdtemp(prefix="lab-faults-", dir=inside)).resolve() / name
        place.mkdir(parents=True)
        (place / "programs").symlink_to(_programs(pytestconfig))
        monkeypatch.setenv("LAB_HOME", str(place))
        made.append(place)
        return place

    yield make
    monkeypatch.undo()
    left = [process for place in made for process in left_over(place, set())]
    for place in made:
        shutil.rmtree(place.parent, ignore_errors=True)  # its disk may be gone by now
    assert left == []


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The whole shop on a broker of its own, for all tests that break it and mend it again. LAB_DATABASES=postgresql puts its
    data there."""
    running = System("faults", private_broker=True, databases=DATABASES)
    try:
        running.up(timeout=120)
        yield running
    finally:
        processes = psutil.Process(running.guard_pid).children(recursive=True)
        running.down()
    assert gone(processes)


@pytest.fixture(scope="session")
def storm(system: System) -> Storm:
    """Its people; LAB_SEED brings back the choices of an earlier run."""
    seed = int(os.environ.get("LAB_SEED", random.randrange(1_000_000)))
    people = Storm(system, seed)
    people.open()
    return people


def _programs(config: pytest.Config) -> Path:
    from conftest import GROUND

    laid: Ground = config.stash[GROUND]
    return (laid.home / "programs").resolve()


def as_root() -> None:
    """Skips where the test needs rights that only root has."""
    if os.geteuid() != 0:
        pytest.skip("it needs a user, a mount or a network of its own, and only root may make them")
