"""A real broker for the tests of delivery: the one that serves this LAB_HOME, or one of this session."""

import secrets
from collections.abc import Iterator

import kombu
import pytest

from labs.infra import directories, shared_broker
from labs.infra.broker import Broker
from labs.infra.home import home
from labs.infra.owner import Owner
from tests.infra import nodes
from tests.services.delivery.stand import Stand, stand


@pytest.fixture(scope="package")
def broker() -> Iterator[Broker]:
    with shared_broker.running(home()) as running:
        yield running


@pytest.fixture(scope="package")
def owner() -> Iterator[Owner]:
    """Of the workers under test; it keeps a warmed-up Python, as every system's does."""
    directory, lock = directories.make("stands", f"stands-{secrets.token_hex(3)}")
    owner = Owner(directory, lock.fileno())
    yield owner
    owner.close()
    lock.close()


@pytest.fixture
def bench(tmp_path, broker, owner) -> Iterator[Stand]:
    """A stand of this test alone; its worker does not run yet."""
    with stand(tmp_path, broker, owner) as made:
        yield made


@pytest.fixture
def bench_on_postgresql(tmp_path, broker, owner, postgresql_url) -> Iterator[Stand]:
    """The same, with a PostgreSQL database."""
    with stand(tmp_path, broker, owner, postgresql_url) as made:
        yield made


@pytest.fixture(scope="module")
def working(tmp_path_factory, broker, owner) -> Iterator[Stand]:
    """A stand whose worker runs, for all tests of a file."""
    with stand(tmp_path_factory.mktemp("stand"), broker, owner) as made:
        made.start()
        yield made


@pytest.fixture(scope="package")
def node(tmp_path_factory) -> Iterator[nodes.Node]:
    """A broker to be frozen and starved, where somebody listens to all that source- and probe-service tell."""
    with nodes.running(tmp_path_factory.mktemp("node") / "node") as node:
        with node.connect() as connection:
            for service in ("source", "probe"):
                exchange = kombu.Exchange(f"{service}-service.events", "topic", durable=True)
                kombu.Queue(f"listener-{service}", exchange, "#", durable=True)(connection.channel()).declare()
        yield node
