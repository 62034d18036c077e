"""The pager of whoever is on call, told what a real Alertmanager tells."""

import copy
from collections.abc import Iterator

import pytest

from tests.services.unit.outside_stand import Outside, outside_at
from tests.services.unit.user_stand import at_once

BEGAN, ENDED = "2026-05-31T10:00:00.123456789Z", "2026-05-31T10:04:30.5Z"
ALERT = {
    "status": "firing",
    "labels": {"alertname": "OutboxStuck", "severity": "page", "job": "order-service"},
    "annotations": {"summary": "events wait"},
    "startsAt": BEGAN,
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus/graph",
    "fingerprint": "0123456789abcdef",
}


@pytest.fixture
def outside(tmp_path) -> Iterator[Outside]:
    with outside_at(f"sqlite:///{tmp_path}/outside.db") as world:
        yield world


def told(outside, *alerts, **more):
    body = {
        "version": "4",
        "status": alerts[0]["status"],
        "receiver": "pager",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
    }
    return outside.ask("POST", "/pager", body | {"alerts": list(alerts)} | more)


def resolved(alert):
    return alert | {"status": "resolved", "endsAt": ENDED}


def pages(outside, **wanted):
    answer = outside.ask("GET", "/pager", query_string=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_an_alarm_rings_until_it_is_resolved(outside):
    assert told(outside, ALERT).status_code == 204
    [page] = pages(outside, status="firing")
    assert (page["alert"], page["severity"], page["labels"]["job"]) == ("OutboxStuck", "page", "order-service")
    assert page["annotations"] == {"summary": "events wait"}
    assert (page["began_at"], page["ended_at"]) == ("2026-05-31T10:00:00.123456Z", None)
    assert told(outside, resolved(ALERT)).status_code == 204
    assert pages(outside, status="firing") == []
    [page] = pages(outside)
    assert (page["status"], page["ended_at"], page["heard"]) == ("resolved", "2026-05-31T10:04:30.500000Z", 2)
    assert page["resolved_heard_at"] > page["at"]


def test_the_same_notification_twenty_times_at_once_is_one_alarm(outside):
    assert {answer.status_code for answer in at_once(lambda _: told(outside, ALERT), 20)} == {204}
    [page] = pages(outside)
    assert page["heard"] == 20


def test_what_has_ended_does_not_ring_again_because_an_old_notification_was_late(outside):
    told(outside, resolved(ALERT))
    told(outside, ALERT)
    [page] = pages(outside)
    assert page["status"] == "resolved"


def test_the_same_trouble_an_hour_later_is_another_alarm(outside):
    told(outside, resolved(ALERT))
    told(outside, ALERT | {"startsAt": "2026-05-31T11:00:00Z"})
    assert [page["status"] for page in pages(outside)] == ["resolved", "firing"]


def test_a_notification_may_hold_many_alerts_that_are_found_by_name(outside):
    other = copy.deepcopy(ALERT) | {"fingerprint": "fedcba9876543210"}
    other["labels"]["alertname"] = "DeadLetters"
    told(outside, ALERT, resolved(other))
    assert [page["alert"] for page in pages(outside)] == ["OutboxStuck", "DeadLetters"]
    assert [page["status"] for page in pages(outside, alert="DeadLetters")] == ["resolved"]
    assert pages(outside, alert="DeadLetters", status="firing") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "3"},
        {"alerts": "none"},
        {"alerts": [ALERT | {"startsAt": "yesterday"}]},
        {"alerts": [ALERT | {"startsAt": "2026-05-31T10:00:00"}]},
        {"alerts": [ALERT | {"fingerprint": "../../etc"}]},
        {"alerts": [ALERT | {"labels": {"alertname": "a\0b"}}]},
        {"alerts": [ALERT | {"status": "maybe"}]},
    ],
    ids=lambda wrong: str(next(iter(wrong))),
)
def test_what_is_no_notification_is_refused_and_rings_nothing(outside, wrong):
    assert told(outside, ALERT, **wrong).status_code == 422
    assert pages(outside) == []


@pytest.mark.parametrize("question", [{"status": "maybe"}, {"colour": "red"}, {"alert": "\0"}])
def test_a_question_that_no_pager_can_answer_is_refused(outside, question):
    assert outside.ask("GET", "/pager", query_string=question).status_code == 422


def test_a_pager_that_is_out_of_order_says_so_and_alertmanager_will_come_again(outside):
    outside.break_("pager_500")
    assert told(outside, ALERT).status_code == 500
    outside.mend()
    assert pages(outside) == []
    assert told(outside, ALERT).status_code == 204
