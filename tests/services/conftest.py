"""The shop as processes. tests/containers has these fixtures over containers, for the same tests."""

from collections.abc import Callable, Iterator

import pytest

from labs.classroom.shop import Shop
from labs.classroom.tapping import Tap, tap
from labs.infra.system import System
from tests.ground import Ground
from tests.services.contracts.heard import wrong


@pytest.fixture(scope="package")
def system(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its broker is shared
    """The whole shop, up and ready."""
    running = System("behaviour")
    try:
        running.up(timeout=90)
        yield running
    finally:
        running.down()


@pytest.fixture(scope="package")
def told(system: System) -> Iterator[Tap]:
    """Every event of the shop while its tests run; each must be what its service promises."""
    with tap(system) as heard:
        yield heard
    assert wrong(heard.events) == []


@pytest.fixture(scope="package")
def shop(system: System, told: Tap) -> Shop:  # noqa: ARG001  whatever tests do is listened to
    """A customer and a shopkeeper who know the shop's addresses and nothing else."""
    return Shop(system)


@pytest.fixture(scope="package")
def log(system: System) -> Callable[[str], str]:
    """What a process of the shop said so far."""
    return lambda name: system.log(name).read_text()
