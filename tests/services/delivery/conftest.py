"""A real broker for the tests of delivery: the one that serves this LAB_HOME, or one of this session."""

from collections.abc import Iterator

import pytest

from labs.infra import shared_broker
from labs.infra.broker import Broker
from labs.infra.home import home
from tests.services.delivery.stand import Stand, stand


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    with shared_broker.running(home()) as running:
        yield running


@pytest.fixture
def bench(tmp_path, broker) -> Iterator[Stand]:
    """A stand of this test alone; its worker does not run yet."""
    with stand(tmp_path, broker) as made:
        yield made


@pytest.fixture(scope="module")
def working(tmp_path_factory, broker) -> Iterator[Stand]:
    """A stand whose worker runs, for all tests of a file."""
    with stand(tmp_path_factory.mktemp("stand"), broker) as made:
        made.start()
        yield made
