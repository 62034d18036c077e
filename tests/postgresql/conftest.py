"""The shop on PostgreSQL, with the fixtures that tests/services has for SQLite."""

from collections.abc import Callable, Iterator

import pytest

from labs.classroom.shop import Shop
from labs.infra.system import System
from tests.ground import Ground

pytest.register_assert_rewrite("tests.services")


@pytest.fixture(scope="package")
def system(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its broker is shared
    """The whole shop, up and ready."""
    running = System("postgresql", databases="postgresql")
    try:
        running.up(timeout=90)
        yield running
    finally:
        running.down()


@pytest.fixture(scope="package")
def shop(system: System) -> Shop:
    """Customers and a clerk."""
    return Shop(system)


@pytest.fixture(scope="package")
def log(system: System) -> Callable[[str], str]:
    """What a process of the shop said so far."""
    return lambda name: system.log(name).read_text()
