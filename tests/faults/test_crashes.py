"""Rule 1, and all others that a death may break: every process is killed at every point that it passes, while orders flow.
Nothing is lost, doubled, oversold, charged for nothing."""

import logging
import random
import time
from collections.abc import Sequence

import pytest

from labs.infra.system import System
from labs.services.chassis.crash import POINTS
from labs.services.chassis.topology import DELIVERY_LIMIT
from tests.faults.killing import PASSES, Killing, disarm
from tests.faults.resting import rest
from tests.faults.storm import LONG, Storm

DEATHS, PARTS = (100, 2) if LONG else (2, 1)
"""Of each process at each of its points; in so many tests, since none may take more than ten minutes on a slow machine."""
log = logging.getLogger(__name__)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("points", [[point] for point in POINTS] if LONG else [list(POINTS)], ids="-".join)
def test_processes_that_die_lose_nothing_and_double_nothing(
    system: System, storm: Storm, points: Sequence[str], part: int
) -> None:
    deaths = DEATHS // PARTS
    killing = Killing(system, points, random.Random(f"{storm.seed}-{points}-{part}"))
    began = time.monotonic()
    with storm.raging(newcomers=0.5):
        killing.until(deaths, within=540)
        disarm(system)
    stormed = time.monotonic() - began

    # More deaths than deliveries of an event: some are in hand at too many of them.
    ledger = rest(system, storm, leases=LONG, replaying=deaths > DELIVERY_LIMIT)
    took = time.monotonic() - began
    log.info(f"{dict(killing.deaths)} in {stormed:.0f} s, at rest after {took:.0f} s; {ledger.accepted} orders")
    assert killing.strangers == {}
    assert all(killing.deaths[name, point] >= deaths for name in PASSES for point in PASSES[name] & set(points))


def test_every_point_has_somebody_who_dies_there() -> None:
    assert set().union(*PASSES.values()) == set(POINTS)
