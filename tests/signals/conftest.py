"""One shop at work, for all lines of the table."""

from collections.abc import Iterator

import pytest

from labs.infra import collecting
from labs.infra.system import System
from tests.ground import Ground
from tests.signals.working import Working
from tests.untraced import untraced


@pytest.fixture(scope="package")
def seen(ground: Ground) -> Iterator[Working]:  # noqa: ARG001  its broker is shared
    """What it said of itself, once it has done all its work and rests."""
    untraced()
    system = System("signals", profiles=[collecting.TRACING])
    try:
        working = Working(system)
        working.begin()
        working.work()
        working.rest()
        yield working
    finally:
        system.down()
