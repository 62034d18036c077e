"""What the gateway shows of the shop, and what it does not: the inner life of services is not for those outside."""

import json
import time
from http.client import HTTPConnection
from uuid import uuid4

import pytest
import requests

from labs.infra.gateway.routes import ADMIN_PORT, GATEWAY, Routes
from labs.infra.system import System
from labs.services.chassis.problems import LARGEST_BODY, MEDIA_TYPE
from labs.services.user.settings import Settings
from tests.security.raw import spoken
from tests.services.unit.user_stand import users_at

HIDDEN = ("/metrics", "/health/ready", "/health/live", "/health/started", "/openapi.json")
"""Of every service; who needs them asks the service."""
INNER = (b"# HELP", b'"openapi"', b'"checks"', b'"pass"', b"process_cpu")
"""What stands in their answers."""
TRICKS = (
    "{}",
    "/{}",
    "//{}",
    "/./{}",
    "/users/..{}",
    "/users/../..{}",
    "/users/../../../../{}",
    "/users/%2e%2e{}",
    "/users/%2E%2E{}",
    "/users/.%2e{}",
    "/users/%252e%252e{}",
    "/users%2f..{}",
    "/users/..%2f{}",
    "/users/..%5c{}",
    "/users\\..{}",
    "/users/..;{}",
    "/users;/..{}",
    "/users/..%00{}",
    "/users/..%0a{}",
    "/users/..#{}",
    "/users/..?{}",
    "/users//..//{}",
    "/orders/../stock/..{}",
    "/.well-known/..{}",
    "/.well-known/%c0%ae%c0%ae{}",
    "/stock/%uff0e%uff0e{}",
    "/products/x/..%2f..{}",
    "http://shop{}",
    "http://user-api:8000{}",
    "http://127.0.0.1:9901{}",
)


@pytest.mark.parametrize(
    "path", [*HIDDEN, "/faults", "/payments/book", "/mails", "/ready", "/config_dump", "/stats", "/"]
)
def test_what_is_not_for_customers_is_nowhere(attacked, path):
    answer = requests.get(attacked.url("gateway", path), timeout=10)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "The shop has nothing at this path."


@pytest.mark.parametrize("hidden", HIDDEN)
def test_no_way_of_writing_a_path_leads_there(attacked, hidden):
    for trick in TRICKS:
        path = trick.format(hidden)
        answer = spoken(attacked.where.address("gateway"), f"GET {path} HTTP/1.1")
        assert answer.status in (400, 401, 404, 405, 422), (path, answer)
        assert not any(words in answer.body for words in INNER), path


@pytest.mark.parametrize("path", HIDDEN[:2] + HIDDEN[4:])
def test_they_are_there_for_those_who_ask_the_service_itself(attacked, path):
    """Or the tests above would prove nothing."""
    body = requests.get(attacked.url("user-service", path), timeout=10).content
    assert any(words in body for words in INNER)


def test_its_own_interface_is_behind_another_port(attacked, target):
    admin = target.address(GATEWAY, ADMIN_PORT)
    assert admin != attacked.where.address("gateway")
    assert requests.get(f"http://{admin}/ready", timeout=10).text.strip() == "LIVE"


@pytest.mark.parametrize("door", ["user-service", "gateway", "monolith"])
def test_a_body_is_taken_up_to_its_limit_and_not_beyond(attacked, door):
    headers = {"Content-Type": "application/json"}
    for size, status in ((LARGEST_BODY, 422), (LARGEST_BODY + 1, 413), (20 * LARGEST_BODY, 413)):
        body = b'"' + b"x" * (size - 2) + b'"'
        answer = attacked.send("POST", door, "/tokens", data=body, headers=headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, MEDIA_TYPE), size


# --- X-Forwarded-For --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["user-service", "gateway"])
def test_who_guesses_passwords_is_stopped_whatever_address_the_header_claims(attacked, door):
    login = {"email": f"{uuid4().hex}@example.org", "password": "wrong password"}
    said = []
    for number in range(7):
        claims = {
            "X-Forwarded-For": f"203.0.113.{number}",
            "Forwarded": f"for=203.0.113.{number}",
            "X-Real-IP": "203.0.113.9",
        }
        said.append(attacked.send("POST", door, "/tokens", json=login, headers=claims))
    assert [answer.status_code for answer in said] == [401] * 5 + [429] * 2
    assert int(said[-1].headers["Retry-After"]) > 60


@pytest.mark.parametrize(
    ("proxies", "claim"),
    [
        (0, "203.0.113.{}"),
        (0, "203.0.113.{}, 203.0.113.{}"),
        (
            1,
            "203.0.113.{}, 198.51.100.7",
        ),  # as the gateway sends it on: what the caller claims, and then who it really is
        (1, "198.51.100.{}, 203.0.113.{}, 198.51.100.7"),
    ],
)
def test_an_address_that_guesses_many_customers_passwords_is_stopped_whatever_it_claims(tmp_path, proxies, claim):
    with users_at(f"sqlite:///{tmp_path}/user.db", failures_per_address=3, proxies=proxies) as users:
        said = [
            users.log_in(
                f"{number}@example.org", headers={"X-Forwarded-For": claim.replace("{}", str(number))}
            ).status_code
            for number in range(5)
        ]
    assert said == [401] * 3 + [429] * 2


@pytest.mark.parametrize("answered_by", ["services", "monolith"])
def test_behind_the_gateway_an_address_that_guesses_keeps_nobody_else_out(target, answered_by):
    gateway = Routes(target.address(GATEWAY, ADMIN_PORT))
    gateway.move("users", answered_by)
    try:
        most = Settings.model_fields["failures_per_address"].default
        guesses = [log_in_from("127.0.0.2", target, f"{uuid4().hex}@example.org") for _ in range(most + 1)]
        assert guesses == [401] * most + [429]
        assert log_in_from("127.0.0.3", target, f"{uuid4().hex}@example.org") == 401, "somebody else may try"
    finally:
        gateway.move("users", "services")


def log_in_from(address: str, target: System, email: str) -> int:
    """The status of a login with a wrong password, through the gateway, from an address of this machine."""
    host, _, port = target.address("gateway", 8000).rpartition(":")
    connection = HTTPConnection(host, int(port), timeout=10, source_address=(address, 0))
    try:
        body = json.dumps({"email": email, "password": "wrong password"})
        connection.request("POST", "/tokens", body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_nobody_is_believed_about_addresses_unless_a_proxy_is_named():
    assert Settings.model_fields["proxies"].default == 0


def test_a_deadline_that_has_passed_costs_nothing_and_one_that_is_far_away_gives_no_more_time(attacked):
    for door in ("user-service", "gateway"):
        past = {"X-Deadline": str(time.time() - 1)}
        assert attacked.send("GET", door, "/.well-known/jwks.json", headers=past).status_code == 504
        future = {"X-Deadline": str(time.time() + 10**9)}
        assert attacked.send("GET", door, "/.well-known/jwks.json", headers=future).status_code == 200
