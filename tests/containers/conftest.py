"""The shop in containers, with the fixtures that tests/services has for processes. Skipped where no engine answers."""

from collections.abc import Callable, Iterator

import pytest

from labs.classroom.shop import Shop
from labs.infra import docker
from labs.infra.docker import Containers

pytest.register_assert_rewrite("tests.services")
WHY_NOT = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    try:
        docker.check()
    except docker.NoDocker as error:
        config.stash[WHY_NOT] = str(error).splitlines()[0]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if WHY_NOT in config.stash:
        terminalreporter.write_line(f"Nothing was tested in containers. {config.stash[WHY_NOT]}")


@pytest.fixture(scope="session")
def containers(pytestconfig: pytest.Config) -> Iterator[Containers]:
    """The whole shop, up and well, under a project name of this session's own; no data are left."""
    if WHY_NOT in pytestconfig.stash:
        pytest.skip(pytestconfig.stash[WHY_NOT])
    running = Containers()
    try:
        running.up()
        yield running
    finally:
        running.down(volumes=True)


@pytest.fixture(scope="session")
def shop(containers: Containers) -> Shop:
    """A customer and a shopkeeper who know the shop's addresses and nothing else."""
    return Shop(containers)


@pytest.fixture(scope="session")
def log(containers: Containers) -> Callable[[str], str]:
    """What a container of the shop said so far."""
    return containers.log
