"""Systems for tests: one whole shop for all that only look at it, and one for each test that breaks something."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from labs.infra.system import System
from tests.ground import Ground
from tests.infra.front import UPSTREAMS, Front, fronted
from tests.untraced import untraced


@pytest.fixture(scope="package", autouse=True)
def _untraced() -> None:
    """Tests before these may have made a service in this process, which traces what it asks; who asks here traces nothing."""
    untraced()


@pytest.fixture
def system(ground: Ground) -> Iterator[Callable[..., System]]:  # noqa: ARG001  its broker is shared
    """Makes systems that end with the test. They run small services, which need nothing warmed up, unless told."""
    with ExitStack() as ending:

        def make(name: str = "test", **how: Any) -> System:
            made = System(name, **{"cold": True, **how})
            ending.callback(made.down)
            return made

        yield make


@pytest.fixture(scope="package")
def shop(ground: Ground) -> Iterator[System]:  # noqa: ARG001
    """The whole shop, up and ready. Leave it as it was."""
    running = System("whole-shop")
    try:
        running.up()
        yield running
    finally:
        running.down()


@pytest.fixture(scope="package")
def front() -> Iterator[Front]:
    """A gateway with all its upstreams running. Leave it as it was."""
    system = System("gateway", cold=True)
    try:
        yield fronted(system, *UPSTREAMS)
    finally:
        system.down()
