"""What the ground costs: a whole shop from nothing to ready, its memory, and the seconds from a changed cell to a running
service. Everything runs in a LAB_HOME of its own and is gone afterwards."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from benchmarks.figures import MB, Figure, own_home
from labs.classroom.shop import Shop
from labs.classroom.workshop import Workshop
from labs.infra import shared_broker
from labs.infra.home import home
from labs.infra.memory import group_memory
from labs.infra.system import BROKER, System

EDITS = 7
ORDERS = 100
MAILS = 3
"""For one order: confirmed, paid, on its way."""


def measure() -> Iterator[Figure]:
    """All figures of the ground, one run each, one after the other."""
    with own_home():
        yield from _from_nothing()
        with shared_broker.running(home()):
            yield from _ups()


def _from_nothing() -> list[Figure]:
    """The broker is the system's own here, so that its memory counts."""
    begun = time.monotonic()
    with _system(private_broker=True) as system:
        system.up(timeout=90)
        seconds = time.monotonic() - begun
        guard = psutil.Process(system.guard_pid)
        family = [guard, *guard.children(recursive=True)]
        once = group_memory(system.guard_pid) / MB
        resident = sum(process.memory_info().rss for process in family) / MB
        broker, gateway = (group_memory(system.pid(name)) / MB for name in (BROKER, "gateway"))
    return [
        Figure("whole shop from nothing, its broker included", seconds, "s", at_most=20),
        Figure("its memory, what is shared counted once", once, "MB", at_most=900),
        Figure("  of this the broker", broker, "MB"),
        Figure("  of this the gateway", gateway, "MB"),
        Figure("  of this all services", once - broker - gateway, "MB"),
        Figure("  the same, what is shared counted every time", resident, "MB"),
        Figure("processes, the broker's helpers included", len(family)),
    ]


def _ups() -> list[Figure]:
    with _system(cold=True) as system:
        alone = _timed(system)
        alone_memory = group_memory(system.guard_pid) / MB
    with _system() as system:
        forked = _timed(system)
        forked_memory = group_memory(system.guard_pid) / MB
        edits = _edits(system)
        orders = _orders(system)
        begun = time.monotonic()
        system.down()
        down = time.monotonic() - begun
    return [
        Figure("whole shop with the broker running", forked, "s", at_most=5),
        Figure("  each process started by itself instead", alone, "s"),
        Figure("  ratio: forked / by itself", forked / alone, "", at_most=1),
        Figure("  memory ratio: forked / by itself", forked_memory / alone_memory, "", at_most=1),
        Figure("down, vhost removed", down, "s"),
        Figure("%%service edit → ready, median of 7", edits, "s", at_most=2),
        *orders,
    ]


def _timed(system: System) -> float:
    begun = time.monotonic()
    system.up(timeout=90)
    return time.monotonic() - begun


def _edits(system: System) -> float:
    workshop = Workshop(system, lambda _path: None)
    source = workshop.code("order")["worker.py"]
    seconds = []
    for number in range(EDITS):
        begun = time.monotonic()
        attempt = workshop.replace("order/worker.py", f"{source}\n# edit {number}\n")
        seconds.append(time.monotonic() - begun)
        assert attempt.status == "running", attempt.trouble
    return statistics.median(seconds)


def _orders(system: System) -> list[Figure]:
    shop = Shop(system)
    shop.stock("tea", ORDERS)
    begun = time.monotonic()
    placed = [shop.place(("tea", 1)) for _ in range(ORDERS)]
    accepted = time.monotonic() - begun
    ended = [o for o in shop.wait(placed, within=60).values() if o.status == "fulfilled"]
    settled = time.monotonic() - begun
    mails = shop.wait_for_mails(MAILS * ORDERS, within=60)
    return [
        Figure(f"{ORDERS} orders one after the other: accepted", accepted, "s"),
        Figure("  fulfilled, since the first was placed", settled, "s"),
        Figure("  lost (placed, not fulfilled)", ORDERS - len(ended), "", at_most=0),
        Figure("  mails too many or too few", abs(MAILS * ORDERS - len(mails)), "", at_most=0),
    ]


@contextmanager
def _system(private_broker: bool = False, cold: bool = False) -> Iterator[System]:
    system = System("benchmark", private_broker=private_broker, cold=cold)
    try:
        yield system
    finally:
        system.down()
