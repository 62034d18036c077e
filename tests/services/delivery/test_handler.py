"""The event handler entrypoint on a real broker: once in effect, retried with growing delay, dead letters with a reason."""

import json
from itertools import pairwise

import pytest

from labs.services.chassis import topology
from labs.services.chassis.events import Event
from tests.services.delivery.stand import QUEUE, SERVICE, asked, eventually
from tests.services.delivery.test_relay import listening


def test_an_event_delivered_three_times_has_its_effect_once(working):
    event, last = asked(), asked()
    working.ask(event, event, event, last)
    eventually(lambda: working.said().count(f'"event":{{"id":"{event.id}"}}') == 3, "all three were looked at")
    eventually(lambda: working.effects(last) == 1, "the worker went on")
    assert working.effects(event) == 1
    assert len(working.starts(event)) == 1
    eventually(lambda: working.depth(QUEUE) == 0, "everything is acknowledged")


def test_a_handler_that_raises_leaves_nothing_behind(working):
    event = asked(fail=1, tell="never_told")
    working.ask(event)
    eventually(lambda: '"next_in_seconds":"0.5"' in line_about(working, event), "it failed once")
    assert working.effects(event) == 0
    assert working.execute("SELECT * FROM outbox WHERE type = 'never_told'") == []
    assert working.execute("SELECT * FROM inbox WHERE event_id = ?", event.id) == []
    eventually(lambda: working.effects(event) == 1, "the second attempt succeeds")
    eventually(lambda: working.waiting() == 1, "what it tells waits for a listener")
    working.execute("DELETE FROM outbox")


def test_what_fails_is_tried_again_later_and_later_and_then_is_a_dead_letter(working):
    hopeless, healthy = asked(fail=99), asked()
    working.ask(hopeless, healthy)
    eventually(lambda: working.effects(healthy) == 1, "the service goes on meanwhile")
    dead = working.next_dead_letter(25)
    starts = working.starts(hopeless)
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert len(gaps) == len(topology.RETRY_SECONDS)
    for gap, wanted in zip(gaps, topology.RETRY_SECONDS, strict=True):
        assert wanted <= gap < wanted + 2
    assert dead.headers["x-reason"] == "ValueError: attempt 4 fails, as asked"
    assert dead.headers["x-failed-queue"] == QUEUE
    assert Event.read(dead.headers, dead.payload) == hopeless
    assert working.effects(hopeless) == 0
    told = [json.loads(line) for line in line_about(working, hopeless).splitlines()]
    assert [line["message"] for line in told] == ["handling asked", "asked failed"] * 3 + [
        "handling asked",
        "asked is a dead letter",
    ]
    assert {line["labels"]["correlation_id"] for line in told} == {hopeless.correlation_id}


def test_what_comes_in_and_what_is_told_is_in_the_log_without_secrets(working):
    event = asked(tell="done", token="a secret")
    with listening(working, "done"):
        working.ask(event)
        eventually(lambda: '"told done"' in working.said(), "its answer is told")
    lines = [json.loads(line) for line in working.said().splitlines() if event.id in line]
    said = {line["message"]: json.loads(line["labels"]["data"]) for line in lines if "data" in line["labels"]}
    assert said == {"handling asked": {"tell": "done", "token": "***"}, "told done": {"because": event.id}}
    assert {line["labels"]["correlation_id"] for line in lines} == {event.correlation_id}


def test_ten_that_fail_at_once_are_all_tried_again(working):
    events = [asked(fail=1) for _ in range(10)]
    working.ask(*events)
    eventually(lambda: all(working.effects(event) == 1 for event in events), "all take effect in the end")
    assert all(len(working.starts(event)) == 2 for event in events)


def test_two_hundred_events_at_once_never_find_the_database_locked(working):
    events = [asked(sleep=0.002) for _ in range(200)]
    working.ask(*events)
    eventually(lambda: all(working.effects(event) == 1 for event in events), "all take effect", 30)
    assert all(len(working.starts(event)) == 1 for event in events)
    assert "database is locked" not in working.said()


@pytest.mark.filterwarnings("ignore:[\\s\\S]*Eventlet is deprecated")
def test_an_answer_over_rpc_comes_from_the_same_process(working):
    from nameko.standalone.rpc import ClusterRpcProxy

    with ClusterRpcProxy({"AMQP_URI": working.amqp_url}, timeout=5) as services:
        assert services[SERVICE].double(21) == 42


def line_about(working, event: Event) -> str:
    """The log lines that name the event."""
    lines = [line for line in working.said().splitlines() if event.id in line]
    assert all(json.loads(line) for line in lines)
    return "\n".join(lines)
