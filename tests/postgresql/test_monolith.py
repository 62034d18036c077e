"""What only the monolith does, its data in PostgreSQL."""

from collections.abc import Iterator

import pytest

from labs.classroom.shop import Shop
from labs.infra.system import System
from tests.ground import Ground
from tests.monolith.test_monolith import *  # noqa: F403


@pytest.fixture(scope="module")
def monolith(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its programs are shared
    """The monolith and the world outside."""
    running = System("monolith", databases="postgresql")
    try:
        running.up("monolith", "outside", timeout=90)
        yield running
    finally:
        running.down()


@pytest.fixture(scope="module")
def shop(monolith: System) -> Shop:
    """Customers and a clerk, who find everything at one address."""
    return Shop(monolith, through="monolith")
