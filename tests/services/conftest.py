"""The shop as processes. tests/containers has these fixtures over containers, for the same tests."""

from collections.abc import Callable, Iterator

import pytest

from labs.classroom.shop import Shop
from labs.classroom.watching import tap
from labs.infra.system import System
from tests.ground import Ground
from tests.services.contracts.heard import wrong


@pytest.fixture(scope="session")
def system(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its broker is shared
    """The whole shop, up and ready. Whatever its services tell meanwhile must be what they promise."""
    running = System("behaviour")
    try:
        running.up(timeout=90)
        with tap(running) as told:
            yield running
        assert wrong(told.events) == []
        assert told.events
    finally:
        running.down()


@pytest.fixture(scope="session")
def shop(system: System) -> Shop:
    """A customer and a shopkeeper who know the shop's addresses and nothing else."""
    return Shop(system)


@pytest.fixture(scope="session")
def log(system: System) -> Callable[[str], str]:
    """What a process of the shop said so far."""
    return lambda name: system.log(name).read_text()
