"""The monolith as a process, with the fixtures that tests/services has for the services."""

from collections.abc import Iterator

import pytest

from labs.classroom.shop import Shop
from labs.infra.system import System
from tests.ground import Ground

pytest.register_assert_rewrite("tests.services")


@pytest.fixture(scope="package")
def monolith(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its programs are shared
    """The monolith and the world outside; no broker, since it has nobody to tell."""
    running = System("monolith")
    try:
        running.up("monolith", "outside", timeout=90)
        yield running
    finally:
        running.down()


@pytest.fixture(scope="package")
def shop(monolith: System) -> Shop:
    """Customers and a clerk, who find everything at one address."""
    return Shop(monolith, through="monolith")
