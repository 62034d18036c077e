"""One broker for everybody in a home: started by whoever comes first (`make lab`, the test session) and ended by them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labs.infra.broker import Broker, announced, nearby
from labs.infra.system import BROKER, System


@contextmanager
def running(home: Path) -> Iterator[Broker]:
    """A broker that every system in `home` uses while this lasts; one that runs already stays its starter's. Raises
    StartError."""
    if broker := nearby(home):
        yield broker
        return
    system = System("broker", private_broker=True)
    try:
        system.up(BROKER)
        assert system.broker is not None
        with announced(home, system.broker):
            yield system.broker
    finally:
        system.down()
