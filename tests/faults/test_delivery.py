"""Nothing lost, nothing doubled: a worker killed again and again at random moments, and one that cannot end."""

import random
import signal
import time

import pytest

from labs.services.chassis.events import Event
from tests.services.delivery.conftest import bench, broker, owner  # noqa: F401  pytest finds fixtures by name
from tests.services.delivery.stand import QUEUE, Stand, asked, eventually

KILLS = 30


@pytest.fixture
def chance(record_property) -> random.Random:
    """Random moments; the seed is in the report, to have them again."""
    seed = random.randrange(1_000_000)
    record_property("seed", seed)
    return random.Random(seed)


def test_thirty_kills_at_random_moments_lose_nothing_and_double_nothing(bench: Stand, chance):  # noqa: F811
    events: list[Event] = []
    for _ in range(KILLS):
        bench.start()
        wave = [asked(tell="asked_again", sleep=0.005) for _ in range(20)]
        bench.ask(*wave)
        events += wave
        time.sleep(chance.uniform(0, 0.4))  # the moment is the point
        assert bench.end(signal.SIGKILL) == -signal.SIGKILL
    bench.start()
    eventually(lambda: all(bench.effects(event) for event in events), "every event takes effect", 60)
    eventually(lambda: bench.depth(QUEUE) == 0, "everything is acknowledged")
    assert [bench.effects(event) for event in events] == [1] * len(events)
    told = bench.execute("SELECT json_extract(data, '$.because'), count(*) FROM outbox GROUP BY 1")
    assert sorted(told) == sorted((event.id, 1) for event in events)


def test_thirty_restarts_by_sigterm_deliver_nothing_twice(bench: Stand, chance):  # noqa: F811
    events: list[Event] = []
    for _ in range(KILLS):
        bench.start()
        wave = [asked(sleep=0.01) for _ in range(20)]
        bench.ask(*wave)
        events += wave
        time.sleep(chance.uniform(0, 0.3))
        assert bench.end(signal.SIGTERM) == 0
    bench.start()
    eventually(lambda: all(bench.effects(event) for event in events), "every event takes effect", 60)
    assert [len(bench.starts(event)) for event in events] == [1] * len(events)
    assert "suppressed" not in bench.said()


def test_a_handler_that_never_ends_does_not_keep_the_worker(bench: Stand):  # noqa: F811
    bench.start()
    event = asked(sleep=60)
    bench.ask(event)
    eventually(lambda: bench.starts(event), "it is under way")
    began = time.monotonic()
    assert bench.end(signal.SIGTERM) == 0
    assert 6 < time.monotonic() - began < 10
    assert bench.effects(event) == 0
    eventually(lambda: bench.depth(QUEUE) == 1, "its event comes again")
