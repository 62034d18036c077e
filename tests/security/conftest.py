"""A shop of its own for attackers, with the monolith and a broker that nobody else uses: it harms no other test."""

from collections.abc import Iterator

import pytest

from labs.classroom.shop import Shop
from labs.infra.system import System
from tests.ground import Ground


@pytest.fixture(scope="package")
def target(ground: Ground) -> Iterator[System]:  # noqa: ARG001  for its folder
    """The whole shop, up and ready."""
    running = System("attacked", private_broker=True, profiles=["monolith"])
    try:
        running.up(timeout=90)
        yield running
    finally:
        running.down()


@pytest.fixture(scope="package")
def attacked(target: System) -> Shop:
    """A customer and a shopkeeper of it."""
    return Shop(target)
