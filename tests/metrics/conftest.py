"""A shop that is watched, and promtool to check what watches it."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from labs.classroom.metrics import Monitor
from labs.classroom.shop import Shop
from labs.infra.debian import can_fetch
from labs.infra.monitors import MONITORS, fetch_monitors, find_monitor
from labs.infra.system import System
from tests.ground import Ground

Promtool = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def promtool(ground: Ground) -> Promtool:  # noqa: ARG001  programs are fetched into its home
    """Runs it; what it says is in the answer."""
    if not all(find_monitor(name) for name in MONITORS):
        if not can_fetch():
            pytest.skip("Prometheus is not here, and can be fetched on Debian and Ubuntu only")
        fetch_monitors(print)
    program = find_monitor("promtool")
    assert program

    def run(*arguments: str, asked: str | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [program, *arguments], input=asked, capture_output=True, text=True, check=False, timeout=60
        )

    return run


@pytest.fixture(scope="package")
def watched(ground: Ground, promtool: Promtool) -> Iterator[System]:  # noqa: ARG001  there must be a Prometheus
    """The whole shop, with Prometheus, Alertmanager and a pager. Leave it as it was."""
    running = System("watched", profiles=["metrics"])
    try:
        running.up(timeout=240)
        yield running
    finally:
        running.down()


@pytest.fixture(scope="package")
def shop(watched: System) -> Shop:
    """Its customers and its clerk."""
    return Shop(watched)


@pytest.fixture(scope="package")
def monitor(watched: System) -> Monitor:
    """What its Prometheus and its pager say."""
    return Monitor(watched)
