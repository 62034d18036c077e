"""Lines in Elastic Common Schema that stay whole, and events with CloudEvents attributes."""

import json
import subprocess
import sys

import pytest

from labs.services.chassis import logs
from labs.services.chassis.events import Event, NotAnEvent, exchange

TALKER = """
import logging, sys, threading
from labs.services.chassis import logs

logs.configure("probe-service")
log, other = logs.get("probe"), logging.getLogger("library")

def talk(number):
    with logs.correlated(f"c-{number}"):
        for n in range(100):
            log.info("own line", n=n, text="x" * 3000)
            other.warning("library's line %d", n)
        try:
            raise KeyError("missing")
        except KeyError:
            log.exception("it failed")

threads = [threading.Thread(target=talk, args=(n,)) for n in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
log.debug("too low to be written")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict]:
    done = subprocess.run([sys.executable, "-c", TALKER], capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_lines_of_eight_threads_and_of_libraries_stay_whole(lines):
    assert len(lines) == 8 * 201
    for line in lines:
        assert {"@timestamp", "message", "ecs.version"} <= set(line)
        assert line["service"]["name"] == "probe-service"
        assert line["log.level" if "log.level" in line else "log"], line


def test_own_lines_carry_the_correlation_id_of_their_thread_and_what_ecs_has_no_field_for_as_labels(lines):
    own = [line for line in lines if line["message"] == "own line"]
    assert {line["labels"]["correlation_id"] for line in own} == {f"c-{n}" for n in range(8)}
    assert own[0]["labels"]["text"] == "x" * 3000
    assert own[0]["log"]["logger"] == "probe"


def test_an_exception_has_type_message_and_stack_trace(lines):
    failed = [line for line in lines if line["message"] == "it failed"]
    assert len(failed) == 8
    error = failed[0]["error"]
    assert (error["type"], error["message"]) == ("KeyError", "'missing'")
    assert "in talk" in error["stack_trace"]


def test_correlation_ids_nest_and_end():
    assert logs.correlation_id() == ""
    with logs.correlated("outer"):
        with logs.correlated() as fresh:
            assert logs.correlation_id() == fresh != "outer"
        assert logs.correlation_id() == "outer"
    assert logs.correlation_id() == ""


def test_an_event_survives_its_journey():
    event = Event("order-service", "order_placed", {"n": 1}, correlation_id="c-1")
    assert event.headers()["cloudEvents:specversion"] == "1.0"
    assert Event.read(event.headers(), event.data) == event


@pytest.mark.parametrize(
    ("headers", "data", "words"),
    [
        ({}, {}, "missing id, source, type"),
        ({"cloudEvents:id": "1", "cloudEvents:source": "s"}, {}, "missing type"),
        ({"cloudEvents:id": "1", "cloudEvents:source": "s", "cloudEvents:type": "t"}, [1], "missing a JSON object"),
    ],
)
def test_what_lacks_an_attribute_is_no_event(headers, data, words):
    with pytest.raises(NotAnEvent, match=words):
        Event.read(headers, data)


def test_two_events_never_share_an_id():
    assert Event("s", "t", {}).id != Event("s", "t", {}).id
    assert exchange("order-service") == "order-service.events"
