"""How one service asks another: within its time, with few attempts, and not at all while the other one is down."""

import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import requests

from labs.services.chassis import breaker, client, deadline, logs, traces
from labs.services.chassis.client import ATTEMPTS, Client, RetryBudget, Unreachable
from labs.services.chassis.settings import Settings
from tests.services.chassis.other import Answer, Asked, Other

GREEN = """
import sys
import eventlet
eventlet.monkey_patch()
from labs.services.chassis import deadline
from labs.services.chassis.client import Client

asking = Client(sys.argv[1], timeout=10)

def ask(number):
    with deadline.until(10**10 + number):
        return asking.get("/x", headers={"Number": str(number)}).status_code, deadline._deadline.get()

greens = [eventlet.spawn(ask, n) for n in range(8)]
print([green.wait() for green in greens])
"""
SLOW_MACHINE = 0.5
"""Seconds that a call may take beyond its time before a test calls it late."""


@pytest.fixture
def other() -> Iterator[Other]:
    """It answers 200 until a test says something else."""
    running = Other()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.001)


@pytest.fixture
def no_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "FAILURES", 10**9)


@pytest.fixture
def dead() -> Iterator[str]:
    """The URL of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def nowhere() -> str:
    """The URL of a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def in_turn(*statuses: int | None) -> list[Answer]:
    return [Answer(status) for status in statuses]


def reply_with(other: Other, answers: list[Answer]) -> None:
    """One after the other, the last one for ever."""
    waiting = list(answers)
    other.reply = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


@pytest.mark.parametrize("status", [200, 201, 204, 302, 402, 404, 409, 422, 429])
def test_whatever_is_below_500_is_an_answer(other, status):
    reply_with(other, in_turn(status))
    assert Client(other.url).get("/x").status_code == status
    assert len(other.asked) == 1


@pytest.mark.parametrize("failure", [500, 502, 503, 504, None])
def test_a_question_is_asked_again_until_it_is_answered(other, failure):
    reply_with(other, in_turn(failure, failure, 200))
    assert Client(other.url).get("/x", params={"sku": ["a", "b"]}).status_code == 200
    assert [asked.path for asked in other.asked] == ["/x?sku=a&sku=b"] * 3


def test_there_are_three_attempts_and_no_more(other):
    reply_with(other, in_turn(500))
    with pytest.raises(Unreachable, match=r"inventory-service: it answered 500 \(attempt 3\)") as error:
        Client(other.url, "inventory-service").get("/x")
    assert len(other.asked) == ATTEMPTS == 3
    assert error.value.maybe_done


@pytest.mark.parametrize("failure", [500, None])
def test_what_is_not_idempotent_is_sent_once_and_may_have_been_done(other, failure):
    reply_with(other, in_turn(failure, 200))
    with pytest.raises(Unreachable) as error:
        Client(other.url).post("/x", json={"n": 1})
    assert len(other.asked) == 1
    assert error.value.maybe_done


def test_what_is_idempotent_is_sent_again_the_same(other):
    reply_with(other, in_turn(500, 201))
    answer = Client(other.url).post("/x", json={"n": 1}, headers={"Idempotency-Key": "k"}, idempotent=True)
    assert answer.status_code == 201
    assert [(asked.body, asked.headers["Idempotency-Key"]) for asked in other.asked] == [({"n": 1}, "k")] * 2


def test_without_a_connection_nothing_was_done():
    with pytest.raises(Unreachable, match="no connection") as error:
        Client(nowhere()).post("/x", idempotent=True)
    assert not error.value.maybe_done


def test_one_attempt_that_may_have_been_done_is_remembered_over_the_others(other):
    def once_and_gone(_: Asked) -> Answer:
        threading.Thread(target=other.close).start()
        return Answer(None)

    other.reply = once_and_gone
    asking = Client(other.url)
    with pytest.raises(Unreachable) as error:
        asking.post("/x", idempotent=True)
    assert error.value.maybe_done


def test_pauses_are_drawn_from_an_interval_that_doubles(other, monkeypatch):
    drawn, slept = [], []
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(random, "uniform", lambda low, high: drawn.append((low, high)) or high)
    monkeypatch.setattr(client.time, "sleep", slept.append)
    reply_with(other, in_turn(500, 500, 200))
    Client(other.url).get("/x")
    assert drawn == [(0, 0.05), (0, 0.1)]
    assert slept == [0.05, 0.1]


def test_who_asks_for_a_pause_gets_it(other, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(client.time, "sleep", slept.append)
    reply_with(other, [Answer(503, headers={"Retry-After": "1"}), Answer(200)])
    assert Client(other.url).get("/x").status_code == 200
    assert slept == [1.0]


def test_who_asks_for_a_longer_pause_than_there_is_time_is_not_asked_again(other):
    reply_with(other, [Answer(503, headers={"Retry-After": "30"}), Answer(200)])
    started = time.monotonic()
    with pytest.raises(Unreachable, match="it answered 503"):
        Client(other.url).get("/x")
    assert time.monotonic() - started < SLOW_MACHINE
    assert len(other.asked) == 1


def test_a_dead_dependency_costs_the_budget_and_not_more(dead):
    started = time.monotonic()
    with pytest.raises(Unreachable, match="did not answer in time") as error:
        Client(dead, timeout=0.3).get("/x")
    assert 0.2 <= time.monotonic() - started < 0.3 + SLOW_MACHINE
    assert error.value.maybe_done


def test_the_deadline_of_the_request_under_way_cuts_the_budget(dead):
    started = time.monotonic()
    with deadline.until(time.time() + 0.2), pytest.raises(Unreachable):
        Client(dead, timeout=30).get("/x")
    assert time.monotonic() - started < 0.2 + SLOW_MACHINE


def test_after_the_deadline_nobody_is_asked(other):
    with deadline.until(time.time() - 1), pytest.raises(Unreachable, match="no time left") as error:
        Client(other.url).get("/x")
    assert other.asked == []
    assert not error.value.maybe_done


def test_the_one_asked_hears_deadline_correlation_id_and_trace(other):
    traces.configure(Settings(service="probe-service"))
    began = time.time()
    with logs.correlated("c-1"), traces.span("outer") as outer:
        Client(other.url, timeout=1.5).get("/x", headers={"Accept": "text/plain"})
    (headers,) = (asked.headers for asked in other.asked)
    assert began + 1.4 < float(headers["X-Deadline"]) < time.time() + 1.6
    assert headers["X-Correlation-ID"] == "c-1"
    assert headers["traceparent"].split("-")[1] == f"{outer.get_span_context().trace_id:032x}"
    assert headers["Accept"] == "text/plain"


def test_an_earlier_deadline_travels_on_unchanged(other):
    moment = round(time.time() + 1, 3)
    with deadline.until(moment):
        Client(other.url, timeout=30).get("/x")
    assert float(other.asked[0].headers["X-Deadline"]) == moment


def test_cookies_and_proxies_are_none_of_our_business(other, monkeypatch):
    monkeypatch.setenv("http_proxy", nowhere())
    reply_with(other, [Answer(200, headers={"Set-Cookie": "a=b"})])
    asking = Client(other.url)
    asking.get("/x")
    asking.get("/x")
    assert "Cookie" not in other.asked[1].headers


def test_a_dead_dependency_gets_at_most_a_tenth_more_than_it_is_asked(other):
    reply_with(other, in_turn(503))
    calls, asking = 200, Client(other.url, timeout=5)
    for _ in range(calls):
        with pytest.raises(Unreachable):
            asking.get("/x")
    assert len(other.asked) / calls <= 1.1


@pytest.mark.usefixtures("no_breaker")
def test_without_the_breaker_it_is_the_retry_budget_that_keeps_the_load_down(other):
    reply_with(other, in_turn(503))
    calls, asking = 200, Client(other.url, timeout=5)
    for _ in range(calls):
        with pytest.raises(Unreachable):
            asking.get("/x")
    assert calls * 1.1 <= len(other.asked) + 1 <= calls * 1.1 + client.RETRY_FLOOR + 1


def test_the_budget_earns_a_tenth_and_stores_little():
    budget = RetryBudget()
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    for _ in range(1000):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == client.RETRY_STORE


def test_five_failures_in_a_row_and_nobody_is_asked_for_a_while(other, monkeypatch):
    monkeypatch.setattr(client, "ATTEMPTS", 1)
    asking = Client(other.url)
    reply_with(other, in_turn(500))
    for _ in range(20):
        with pytest.raises(Unreachable) as error:
            asking.get("/x")
    assert len(other.asked) == breaker.FAILURES == 5
    assert "it was down a moment ago" in str(error.value)
    assert not error.value.maybe_done


def test_four_failures_and_a_success_are_no_reason_to_stop(other, monkeypatch):
    monkeypatch.setattr(client, "ATTEMPTS", 1)
    asking = Client(other.url)
    reply_with(other, in_turn(500, 500, 500, 500, 200, 500, 500, 500, 500, 200))
    outcomes = []
    for _ in range(10):
        try:
            outcomes.append(asking.get("/x").status_code)
        except Unreachable:
            outcomes.append(500)
    assert outcomes == [500, 500, 500, 500, 200] * 2


def open_breaker(asking: Client) -> None:
    for _ in range(breaker.FAILURES):
        with pytest.raises(Unreachable):
            asking.post("/x")


def test_when_it_is_time_one_request_tries_and_the_others_do_not_wait_for_it(other, monkeypatch):
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.0)
    asking = Client(other.url, timeout=5)
    reply_with(other, in_turn(500))
    open_breaker(asking)
    go, arrived = threading.Event(), threading.Event()

    def slow(_: Asked) -> Answer:
        arrived.set()
        assert go.wait(5)
        return Answer(200)

    other.reply, before, outcomes = slow, len(other.asked), list[int]()
    trial = threading.Thread(target=lambda: outcomes.append(asking.get("/x").status_code))
    trial.start()
    assert arrived.wait(5)
    started = time.monotonic()
    for _ in range(10):
        with pytest.raises(Unreachable, match="down a moment ago"):
            asking.get("/x")
    assert time.monotonic() - started < SLOW_MACHINE
    go.set()
    trial.join()
    assert outcomes == [200]
    assert len(other.asked) == before + 1
    assert asking.get("/x").status_code == 200


def test_a_trial_that_fails_keeps_it_closed_off(other, monkeypatch):
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.05)
    asking = Client(other.url)
    reply_with(other, in_turn(500))
    open_breaker(asking)
    before, end = len(other.asked), time.monotonic() + 5
    while len(other.asked) == before:
        assert time.monotonic() < end, "no trial within 5 s"
        with pytest.raises(Unreachable):
            asking.post("/x")
    with pytest.raises(Unreachable, match="down a moment ago"):
        asking.post("/x")
    assert len(other.asked) == before + 1


def test_a_deadline_too_near_says_nothing_about_the_other_side(other):
    asking = Client(other.url)
    for _ in range(10):
        with deadline.until(time.time() + client.LEAST_TIME / 2), pytest.raises(Unreachable, match="no time left"):
            asking.get("/x")
    assert asking.get("/x").status_code == 200


def test_requests_of_one_client_run_side_by_side(other):
    together = threading.Barrier(8)

    def meet(_: Asked) -> Answer:
        together.wait(5)
        return Answer(200)

    other.reply = meet
    asking, outcomes = Client(other.url, timeout=10), list[requests.Response]()
    threads = [threading.Thread(target=lambda: outcomes.append(asking.get("/x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in outcomes] == [200] * 8


def test_green_threads_run_side_by_side_too_and_keep_their_deadlines_apart(other):
    together = threading.Barrier(8)

    def meet(_: Asked) -> Answer:
        together.wait(20)
        return Answer(200)

    other.reply = meet
    command = [sys.executable, "-c", GREEN, other.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == f"{[(200, 10**10 + n) for n in range(8)]}\n", done.stderr
