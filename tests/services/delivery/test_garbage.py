"""Messages that no handler should ever see: each ends as a dead letter with its reason, as it came, and holds up nobody."""

import json
from typing import Any

import pytest

from labs.services.chassis.events import LARGEST, Event
from tests.services.delivery.stand import QUEUE, SOURCE, asked, eventually

HEADERS = Event(SOURCE, "asked", {}, id="its-id").headers()


def without(name: str) -> dict[str, str]:
    """An event's headers, except for one."""
    return {k: v for k, v in HEADERS.items() if k != f"cloudEvents:{name}"}


def instead(name: str, value: Any) -> dict[str, Any]:
    """An event's headers, but for one."""
    return HEADERS | {f"cloudEvents:{name}": value}


@pytest.mark.parametrize(
    ("body", "properties", "words"),
    [
        (b'{"order": 1}', {}, "missing id, source, type"),
        (b"{broken", {"headers": HEADERS}, "Expecting property name"),
        (
            b"\x80\x04N.",
            {"headers": HEADERS, "content_type": "application/x-python-serialize"},
            "Refusing to deserialize",
        ),
        (b"<order/>", {"headers": HEADERS, "content_type": "application/xml"}, "Refusing to deserialize"),
        (b"{}", {"headers": HEADERS, "content_type": "text/plain"}, "Refusing to deserialize"),
        (b"{}", {"headers": HEADERS, "content_type": None}, "missing a JSON object as body"),
        (b"\xff\xfe{}", {"headers": HEADERS}, "utf-8"),
        (b"", {"headers": HEADERS}, "missing a JSON object as body"),
        (b"[1, 2]", {"headers": HEADERS}, "missing a JSON object as body"),
        (b"null", {"headers": HEADERS}, "missing a JSON object as body"),
        (b"[" * 100_000, {"headers": HEADERS}, "recursion"),
        (b"{}", {"headers": without("id")}, "missing id"),
        (b"{}", {"headers": without("type")}, "missing type"),
        (b"{}", {"headers": instead("id", "x" * 37)}, "id must be text of at most 36 characters"),
        (b"{}", {"headers": instead("id", 17)}, "id must be text"),
        (b"{}", {"headers": instead("correlationid", "c" * 65)}, "correlationid must be text of at most 64"),
        (b"{}", {"headers": instead("type", "demanded")}, "demanded of source-service: obey knows asked only"),
        (b"{}", {"headers": instead("source", "other-service")}, "asked of other-service: obey knows asked only"),
        (b'{"fill": "' + b"x" * LARGEST + b'"}', {"headers": HEADERS}, "larger than 1,000,000 bytes: 1,000,012"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_garbage_is_a_dead_letter_with_its_reason_as_it_came_and_the_service_goes_on(working, body, properties, words):
    working.send_raw(body, **properties)
    healthy = asked()
    working.ask(healthy)
    dead = working.next_dead_letter(5)
    assert words in dead.headers["x-reason"]
    assert dead.headers["x-failed-queue"] == QUEUE
    came = dead.body.encode() if isinstance(dead.body, str) else bytes(dead.body)
    assert came == body
    for name, value in properties.get("headers", {}).items():
        assert dead.headers[name] == value
    eventually(lambda: working.effects(healthy) == 1, "the service goes on")


@pytest.mark.parametrize("noted", ["many", -1, None, 2.5])
def test_nonsense_about_its_attempts_makes_it_a_first_attempt(working, noted):
    event = asked(fail=1)
    working.send(event, **{"x-attempt": noted})
    eventually(lambda: working.effects(event) == 1, "the second attempt succeeds")


@pytest.mark.parametrize("traceparent", ["nonsense", 17, "00-" + "0" * 32 + "-" + "0" * 16 + "-00"])
def test_a_traceparent_that_is_none_harms_nobody(working, traceparent):
    event = asked()
    working.send(event, traceparent=traceparent)
    eventually(lambda: working.effects(event) == 1, "it takes effect")


def test_data_that_no_attempt_makes_better_is_a_dead_letter_at_once(working):
    event = asked(hopeless=True)
    working.ask(event)
    dead = working.next_dead_letter(5)
    assert Event.read(dead.headers, json.loads(dead.body)) == event
    assert dead.headers["x-reason"].startswith("ValidationError: 1 validation error for Wanted")
    assert len(working.starts(event)) == 1
