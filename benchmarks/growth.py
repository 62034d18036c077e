"""Does the shop stay as fast and as small while its books grow? Real orders through every service, up to a hundred thousand;
it is measured at each power of ten, beside a loop that says how fast the machine is in that minute."""

import hashlib
import statistics
import time
from collections.abc import Iterator
from itertools import islice

from benchmarks.figures import MB, Figure, own_home
from benchmarks.shop import CLIENTS, ROUNDS, drain, orders_of, running
from labs.classroom.load import closed_loop
from labs.classroom.shop import Shop
from labs.infra.memory import group_memory

SIZES = (100, 1_000, 10_000, 100_000)
"""Orders in the books when the shop is measured."""
BATCH = 300
"""Orders that are placed before the shop is left to end them all."""
PATIENCE = 300.0
"""Seconds for one batch at most."""
LOOP, PIECE = 0.5, bytes(2**16)
"""Seconds, and what is hashed again and again in them: others may use this machine too, and then all is slower."""


def measure() -> Iterator[Figure]:
    """The curve, and its last point beside its first; half an hour and more."""
    points: list[list[Figure]] = []
    placed = 0
    with own_home(), running(private_broker=True) as shop:
        for size in SIZES:
            while placed < size:
                placed += (count := min(BATCH, size - placed))
                _batch(shop, count)
            points.append(_point(shop, size))
            placed += ROUNDS * BATCH
            yield from points[-1]
    ratios = [last.value / first.value for first, last in zip(points[0], points[-1], strict=True)]
    span = f"{SIZES[-1]:,} ÷ {SIZES[0]:,}"
    accepted, fulfilled, memory, pace = ratios
    yield Figure(f"accepted per second, {span}, by the machine's pace", accepted / pace, at_least=0.8)
    yield Figure(f"fulfilled per second, {span}, by the machine's pace", fulfilled / pace, at_least=0.8)
    yield Figure(f"memory, {span}", memory, at_most=1.25)


def _point(shop: Shop, size: int) -> list[Figure]:
    rates = [(*_batch(shop, BATCH), _pace()) for _ in range(ROUNDS)]
    accepted, fulfilled, pace = (statistics.median(each) for each in zip(*rates, strict=True))
    return [
        Figure(f"with {size:,} orders in the books: accepted", accepted, "/s"),
        Figure("  fulfilled", fulfilled, "/s"),
        Figure("  memory of everything, the broker included", group_memory(shop.where.guard_pid) / MB, "MB"),
        Figure("  pace of the machine: 64 KiB hashed", pace, "/s"),
    ]


def _batch(shop: Shop, count: int) -> tuple[float, float]:
    """Orders accepted per second, and ended per second when nothing else comes in."""
    begun = time.monotonic()
    report = closed_loop(islice(orders_of(shop), count), CLIENTS, PATIENCE)
    if report.statuses()[202] != count:
        raise RuntimeError(f"{count} orders were placed and answered with {report.statuses()}")
    drain(shop, PATIENCE)
    return count / report.lasted, count / (time.monotonic() - begun)


def _pace() -> float:
    """How often a second this machine does the same small work now, with no order under way."""
    begun, done = time.monotonic(), 0
    while (lasted := time.monotonic() - begun) < LOOP:
        hashlib.sha256(PIECE).digest()
        done += 1
    return done / lasted
