"""A worker killed at every point where something could be lost or doubled: nothing is."""

import signal

import pytest

from tests.services.delivery.stand import QUEUE, asked, eventually
from tests.services.delivery.test_relay import listening


@pytest.mark.parametrize(
    "where",
    [
        "before_commit@1",
        "before_commit@4",
        "after_commit@1",
        "after_commit@4",
        "before_publish@1",
        "before_publish@2",
        "before_confirm@1",
        "before_confirm@2",
        "after_effect_before_commit@2",
        "before_ack@1",
        "before_ack@3",
    ],
)
def test_every_event_takes_effect_once_and_everything_it_tells_goes_out(bench, where):
    events = [asked(tell="seen") for _ in range(5)]
    with listening(bench, "seen") as ids:
        bench.start(CRASH=where)
        bench.ask(*events)
        assert bench.ended() == -signal.SIGKILL
        bench.start()
        eventually(lambda: all(bench.effects(event) for event in events), "all take effect")
        eventually(lambda: bench.waiting() == 0 and len(set(ids)) == 5, "all that they tell goes out")
        eventually(lambda: bench.depth(QUEUE) == 0, "everything is acknowledged")
    assert [bench.effects(event) for event in events] == [1] * 5
    because = bench.execute("SELECT event_id FROM outbox")
    assert sorted(row[0] for row in because) == sorted(set(ids)), "one event told for each"


def test_between_effect_and_acknowledgement_the_inbox_knows_and_suppresses(bench):
    bench.start(CRASH="before_ack@1")
    event = asked()
    bench.ask(event)
    assert bench.ended() == -signal.SIGKILL
    assert bench.effects(event) == 1
    bench.start()
    eventually(lambda: bench.metric("duplicates_suppressed_total") == 1, "it comes again and is suppressed")
    assert (bench.effects(event), len(bench.starts(event))) == (1, 1)
