"""From the fault to the pager: how long until somebody is called, until it is quiet again, and what being asked every second
costs those who are asked. An hour passes in a minute for the rules; the figures are real seconds."""

import os
import signal
import statistics
import time
from collections.abc import Iterator

from benchmarks.figures import MB, Figure, own_home
from benchmarks.shop import drain, orders_of
from labs.classroom.load import open_loop
from labs.classroom.metrics import Monitor
from labs.classroom.shop import Shop
from labs.infra import shared_broker
from labs.infra.home import home
from labs.infra.memory import group_memory
from labs.infra.system import PROMETHEUS, System
from labs.services.chassis.database import Database

ROUNDS = 5
UNHEARD = "told_to_nobody"
PATIENCE = 60.0


def measure() -> Iterator[Figure]:
    """All figures of alerts, as they come; about four minutes."""
    with own_home(), shared_broker.running(home()):
        system = System("benchmark", profiles=["metrics"])
        try:
            system.up(timeout=120)
            shop = Shop(system)
            shop.stock("tea", 1_000_000)
            yield from _size(system)
            yield from _calls(system)
            yield from _cost(system, shop)
        finally:
            system.down()


def _size(system: System) -> list[Figure]:
    monitor = Monitor(system)
    time.sleep(3)
    prometheus, alertmanager = (group_memory(system.pid(name)) / MB for name in (PROMETHEUS, "alertmanager"))
    return [
        Figure("time series of a whole shop", monitor.value('count({__name__=~".+"})')),
        Figure("memory of Prometheus", prometheus, "MB", at_most=150),
        Figure("memory of Alertmanager", alertmanager, "MB", at_most=80),
    ]


def _calls(system: System) -> list[Figure]:
    """An event that nobody hears is stuck from the moment at which it is committed. It leaves when its row is gone."""
    monitor, db = Monitor(system), Database(system.database_url("user"))
    called, quiet = [], []
    for _ in range(ROUNDS):
        begun = time.monotonic()
        with db.transaction() as tx:
            tx.tell(UNHEARD, {})
        while not monitor.pages("OutboxStuck", "firing"):
            _in_time(begun, "nobody is called")
        called.append(time.monotonic() - begun)
        with db.engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM outbox WHERE type = '{UNHEARD}'")
        begun = time.monotonic()
        while monitor.pages("OutboxStuck", "firing"):
            _in_time(begun, "it rings and rings")
        quiet.append(time.monotonic() - begun)
    return [
        Figure("from a stuck event to the pager, median of 5", statistics.median(called), "s", at_most=15),
        Figure("  of this until it counts as stuck: 5 s old, for 1 s", 6, "s"),
        Figure("  the slowest", max(called), "s"),
        Figure("from its end until the pager is quiet, median of 5", statistics.median(quiet), "s", at_most=10),
    ]


def _in_time(begun: float, what: str) -> None:
    if time.monotonic() - begun > PATIENCE:
        raise RuntimeError(f"{what} after {PATIENCE:g} s")
    time.sleep(0.05)


def _cost(system: System, shop: Shop) -> list[Figure]:
    """In turns, with Prometheus at work and frozen."""
    took: dict[str, list[float]] = {"asked": [], "not asked": []}
    for _ in range(ROUNDS):
        for name in took:
            if name == "not asked":
                os.kill(system.pid(PROMETHEUS), signal.SIGSTOP)
            try:
                took[name].append(open_loop(orders_of(shop), rate=10, seconds=10).percentile(50))
            finally:
                os.kill(system.pid(PROMETHEUS), signal.SIGCONT)
            drain(shop)
    asked, not_asked = (statistics.median(each) for each in took.values())
    return [
        Figure("an order accepted, half of them within, asked for metrics every second", asked * 1000, "ms"),
        Figure("  ÷ the same, not asked", asked / not_asked, at_most=1.05),
    ]
