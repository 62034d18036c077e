"""What the gateway passes on, what it says when nobody answers, and what it writes down."""

import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from labs.infra.gateway.routes import GATEWAY
from labs.infra.programs import find_program
from labs.infra.system import System
from tests.infra.front import PATHS, Front, fronted
from tests.infra.nodes import eventually, gone
from tests.infra.small import shipped

NOWHERE = ["/", "/health/ready", "/metrics", "/order", "/ready", "/reportsx"]


@pytest.mark.parametrize("path", [*NOWHERE, *(f"{paths[0].split('?')[0]}x" for _, paths in PATHS.values())])
def test_what_is_not_the_shops_is_nowhere(front: Front, path: str) -> None:
    answer = front.ask(path)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "The shop has nothing at this path.",
    }


def test_the_callers_ids_and_trace_pass_untouched(front: Front) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    sent = {"X-Correlation-ID": "mine-1", "X-Request-ID": "mine-2", "traceparent": trace, "tracestate": "a=b"}
    answer = front.ask("/users/passed", **sent)
    passed = {name.lower(): value for name, value in answer.json()["headers"].items()}

    assert {name: passed[name.lower()] for name in sent} == sent
    assert answer.headers["X-Correlation-ID"] == "mine-1"
    line = front.logged("/users/passed")
    assert line["labels"]["correlation_id"] == "mine-1"
    assert line["labels"]["traceparent"] == trace
    assert line["http"]["request"]["id"] == "mine-2"


def test_a_request_without_an_id_gets_one_that_everybody_uses(front: Front) -> None:
    answer = front.ask("/users/nameless")
    passed = {name.lower(): value for name, value in answer.json()["headers"].items()}
    line = front.logged("/users/nameless")

    assert re.fullmatch(r"[0-9a-f-]{36}", passed["x-correlation-id"])
    assert passed["x-correlation-id"] == passed["x-request-id"] == answer.headers["X-Correlation-ID"]
    assert line["http"]["request"]["id"] == line["labels"]["correlation_id"] == passed["x-request-id"]
    assert "traceparent" not in passed


def test_the_access_log_has_the_names_and_types_of_ecs(front: Front) -> None:
    front.ask("/orders/logged", "POST", X_Status="201")
    line = front.logged("/orders/logged")

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["@timestamp"])
    assert (line["log.level"], line["message"]) == ("info", "POST /orders/logged 201")
    assert line["service"] == {"name": "gateway"}
    assert (line["http"]["request"]["method"], line["http"]["response"]["status_code"]) == ("POST", 201)
    assert isinstance(line["event"]["duration"], int)
    assert line["event"]["duration"] > 100_000, "nanoseconds"
    assert (line["labels"]["capability"], line["labels"]["answered_by"]) == ("orders", "order-service")


def test_no_token_is_in_the_log(front: Front) -> None:
    front.ask("/orders/secret?token=hidden-in-query", Authorization="Bearer hidden-in-header")
    front.logged("/orders/secret")

    assert "hidden" not in front.system.log(GATEWAY).read_text()


def test_a_service_that_does_not_run_is_a_problem_and_comes_back(front: Front) -> None:
    front.system.stop("notification-api")
    try:
        begun = time.monotonic()
        answer = front.ask("/notifications", X_Correlation_ID="away")
        took = time.monotonic() - begun
        assert front.who("/orders") == "order-api"
    finally:
        front.system.start("notification-api")

    assert answer.status_code == 503
    assert took < 9, "seconds; it waits for one that is restarted, and no longer"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["X-Correlation-ID"] == "away"
    assert answer.json()["title"] == "Service Unavailable"
    assert answer.json()["status"] == 503
    assert front.ask("/notifications").status_code == 200


@pytest.mark.parametrize("status", [404, 409, 503])
def test_what_a_service_answers_is_left_alone(front: Front, status: int) -> None:
    answer = front.ask("/orders", "POST", X_Status=str(status))

    assert (answer.status_code, answer.json()["name"]) == (status, "order-api")
    assert "Retry-After" not in answer.headers


def test_a_service_that_takes_too_long_is_a_problem_in_time(front: Front) -> None:
    begun = time.monotonic()
    answer = front.ask("/orders", "POST", X_Sleep="8")

    assert time.monotonic() - begun < 7
    assert (answer.status_code, answer.json()["title"]) == (504, "Gateway Timeout")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_whoever_comes_while_a_service_is_restarted_waits_and_is_answered_once(front: Front) -> None:
    crowd = [(f"/stock/{number}", ("GET", "POST", "PUT")[number % 3]) for number in range(60)]
    front.system.stop("inventory-api")
    with ThreadPoolExecutor(len(crowd)) as customers:
        answers = customers.map(lambda request: front.ask(*request), crowd)
        tried = "cluster.inventory-service.upstream_cx_connect_fail"
        eventually(lambda: front.count(tried) >= 2 * len(crowd), 5, "all have been tried again")
        front.system.start("inventory-api")

        assert [(answer.status_code, answer.json().get("asked")) for answer in answers] == [(200, 1)] * len(crowd)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_was_sent_is_not_sent_again(front: Front, method: str) -> None:
    path = f"/orders/drop-{method}"
    dropped = front.ask(path, method, X_Drop="1")

    assert (dropped.status_code, dropped.json()["title"]) == (503, "Service Unavailable")
    assert front.logged(path)["labels"]["attempts"] == 1
    assert front.ask(path, method).json()["asked"] == 2, "the second time by this test"


def test_a_hanging_service_holds_a_bounded_number_of_requests_and_none_of_anothers(front: Front) -> None:
    answers: list[int] = []

    def hang() -> None:
        answers.append(front.ask("/stock", "POST", X_Sleep="4").status_code)

    threads = [threading.Thread(target=hang) for _ in range(250)]
    for thread in threads:
        thread.start()
    eventually(lambda: 503 in answers, 4, "those beyond the limit are told while the others wait")
    begun = time.monotonic()
    assert front.who("/orders") == "order-api"
    assert time.monotonic() - begun < 2
    for thread in threads:
        thread.join()

    assert front.ask("/stock").json()["most_at_once"] == 128


def test_it_listens_on_the_loopback_alone(front: Front) -> None:
    process = psutil.Process(front.system.pid(GATEWAY))
    listening = {c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}

    assert {f"{ip}:{port}" for ip, port in listening} == {front.address, front.admin}
    assert {ip for ip, _ in listening} == {"127.0.0.1"}


def test_its_log_is_json_and_has_no_warning(front: Front) -> None:
    assert [line["message"] for line in front.log() if line["log.level"] not in ("info",)] == []


def test_it_starts_alone_and_finds_those_that_come_later(system: Callable[..., System]) -> None:
    alone = fronted(system("alone"))
    assert alone.system.state("monolith") == ""
    answer = alone.ask("/reports")
    assert (answer.status_code, answer.json()["status"]) == (503, 503)

    alone.system.up("monolith")
    assert alone.who("/reports") == "monolith"
    process = psutil.Process(alone.system.pid(GATEWAY))
    process.kill()
    eventually(lambda: alone.system.pid(GATEWAY) not in (0, process.pid), 10, "it is started again")
    eventually(lambda: _open(alone.address), 10, "it answers at the same address")
    assert alone.who("/reports") == "monolith"
    process = psutil.Process(alone.system.pid(GATEWAY))
    alone.system.down()
    assert gone([process])


def test_the_configuration_is_valid_as_it_lies_there() -> None:
    (path,) = [volume.split(":")[0] for volume in shipped(GATEWAY)["volumes"]]
    done = subprocess.run(
        [str(find_program("envoy")), "--mode", "validate", "--log-level", "warn", "-c", path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def _open(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0
