"""Pieces that wait to be paid for, and a stock that hears of the payment too late: they are sold once all the same."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from labs.infra.system import System
from tests.faults.resting import ask, rest
from tests.faults.storm import LONG, Storm

WAITS, AWAY = 1.0, 3.0
"""Seconds that pieces wait to be paid for, and for which nobody is there to hear that they are."""
STOCK = "inventory-worker"


@pytest.fixture
def hasty(system: System) -> Iterator[None]:
    """The stock asks for orders after WAITS seconds."""
    usual = system.services[STOCK]
    impatient = {**usual.environment, "RESERVATION_SECONDS": str(WAITS)}
    system.services[STOCK] = replace(usual, environment=impatient)
    system.restart(STOCK, timeout=90)
    yield
    system.services[STOCK] = usual
    system.restart(STOCK, timeout=90)


@pytest.mark.usefixtures("hasty")
def test_what_is_paid_for_is_sold_once_however_late_the_stock_hears_of_it(system: System, storm: Storm) -> None:
    asked_before = _asked(system)
    with storm.raging():
        for _ in range(10 if LONG else 2):
            time.sleep(WAITS)  # some orders are reserved, and not paid for yet
            system.stop(STOCK)
            time.sleep(AWAY)  # as long as it takes
            system.start(STOCK, timeout=90)
    rest(system, storm)
    assert _asked(system) > asked_before, "no reservation was overdue: this has shown nothing"


def _asked(system: System) -> int:
    return int(ask(system, "inventory", "SELECT count(*) FROM outbox WHERE type = 'stock_overdue'")[0][0])
