"""What tracing costs the shop: orders per second and CPU with none, a tenth and all of the traces recorded; and what a customer
waits for while the collector is frozen. Everything in turns, so that a busy moment of the machine meets all; medians."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import psutil

from benchmarks.figures import Figure, own_home
from benchmarks.shop import CLIENTS, ROUNDS, SECONDS, WATCHED, drain, orders_of, running
from labs.classroom.load import closed_loop, open_loop
from labs.classroom.shop import Shop
from labs.infra import collecting, shared_broker
from labs.infra.home import home
from labs.infra.system import System

SHARES = {"none": None, "0 %": 0.0, "10 %": 0.1, "100 %": 1.0}
"""Of the traces, recorded; None: no collector at all, as a system without tracing is."""
RATE, PAIRS = 20, 6
"""Orders per second of the open loop, and how often each state of the collector has its turn."""


def measure() -> Iterator[Figure]:
    """All figures of tracing, as they come."""
    with own_home(), shared_broker.running(home()):
        yield from _sampling()
        yield from _frozen()


def _sampling() -> Iterator[Figure]:
    """Four shops at once, three with a collector of their own; load and CPU in turns."""
    rates: dict[str, list[float]] = {name: [] for name in SHARES}
    used: dict[str, list[float]] = {name: [] for name in SHARES}
    with ExitStack() as shops:
        running_shops = {name: shops.enter_context(_traced(share)) for name, share in SHARES.items()}
        for _ in range(ROUNDS):
            for name, shop in running_shops.items():
                before = _cpu(shop)
                report = closed_loop(orders_of(shop), CLIENTS, SECONDS)
                drain(shop)
                rates[name].append(report.rate(202))
                used[name].append((_cpu(shop) - before) / max(1, report.statuses()[202]))
    for name in list(SHARES)[1:]:
        rate = statistics.median(rates[name]) / statistics.median(rates["none"])
        yield Figure(f"orders accepted per second, {name} of the traces recorded ÷ no tracing", rate, at_least=0.85)
        spent = statistics.median(used[name]) / statistics.median(used["none"])
        yield Figure("  CPU of all services per order ÷ no tracing", spent)


def _frozen() -> Iterator[Figure]:
    """One shop, whose collector is frozen and thawed in turns; beside one that has none."""
    waits: dict[str, list[float]] = {"none": [], "frozen": [], "working": []}
    lost = 0
    with _traced(None) as dark, _traced(1.0) as traced:
        for _ in range(PAIRS):
            for name, shop in (("none", dark), ("working", traced), ("frozen", traced)):
                with _freezing(shop.where) if name == "frozen" else ExitStack():
                    report = open_loop(orders_of(shop), rate=RATE, seconds=SECONDS)
                    drain(shop)
                waits[name] += [outcome.seconds for outcome in report.answered(202)]
                lost += len(report.outcomes) - report.statuses()[202]
    middle = {name: statistics.median(each) for name, each in waits.items()}
    yield Figure(
        "checkout P50 with a frozen collector ÷ with a working one", middle["frozen"] / middle["working"], at_most=1.05
    )
    yield Figure("checkout P50 with a frozen collector ÷ no tracing", middle["frozen"] / middle["none"])
    yield Figure("  requests that failed", lost, at_most=0)


@contextmanager
def _traced(share: float | None) -> Iterator[Shop]:
    def change(system: System) -> None:
        if share is None:
            return
        system.up(collecting.TRACING)
        for name in WATCHED:
            known = system.services[name]
            system.services[name] = replace(known, environment={**known.environment, "TRACE_RATIO": str(share)})

    with running(change=change) as shop:
        yield shop


def _cpu(shop: Shop) -> float:
    """Seconds that the processes of an order's way have used."""
    used = 0.0
    for name in WATCHED:
        process = psutil.Process(shop.where.pid(name))
        used += sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))
    return used


@contextmanager
def _freezing(system: System) -> Iterator[None]:
    process = psutil.Process(system.pid(collecting.TRACING))
    family = [process, *process.children(recursive=True)]
    for each in family:
        each.suspend()
    try:
        yield
    finally:
        for each in family:
            each.resume()
