"""Tokens that are none, at every service over a real network: each kind is refused by each endpoint that wants a token, and
what it asked for is not done. The keys are those that the shop publishes; nothing is told to it beforehand."""

import time
from typing import Any
from uuid import uuid4

import pytest
import requests

from labs.classroom.shop import Shop
from labs.infra.system import System
from labs.services.chassis.database import Database
from labs.services.user.keys import KeyRing
from tests.security.forging import FORGED, UNKNOWN_KEY, Real, Sign, by_hand, taken_apart
from tests.security.raw import spoken
from tests.services.answers import assert_problem

NOW = int(time.time())
SERVICES = ("user-service", "order-service", "inventory-service", "notification-service", "monolith")
ID = str(uuid4())
THERE = {"user_id": ID, "order_id": ID, "import_id": ID, "report_id": ID, "sku": "tea", "day": "2026-01-01"}
"""What stands in a path."""
BODIES: dict[str, Any] = {
    "/orders": {"lines": [{"sku": "tea", "quantity": 1}]},
    "/price-imports": {"prices": [{"sku": "tea", "amount": 1, "currency": "EUR"}]},
    "/products/{sku}": {"name": "Free tea", "price": {"amount": 0, "currency": "EUR"}},
    "/stock": {"sku": "tea", "quantity": 1000},
    "/settlements": {"day": "2026-01-01"},
    "/users/{user_id}": {"name": "Taken over"},
    "/users/{user_id}/roles": {"roles": ["admin"]},
}
"""What goes with a request to change something, by path."""


@pytest.fixture(scope="module")
def real(attacked: Shop) -> dict[str, Real]:
    """Of the services and of the monolith, which has keys of its own, by whose they are."""
    return {whose: taken_apart(attacked, whose) for whose in ("user-service", "monolith")}


@pytest.fixture(scope="module")
def ours(target: System) -> dict[str, Sign]:
    """The shop's own keys, which no attacker has: to sign what the shop would never say."""
    secret = target.variables["SECRET_KEYS"]
    databases = {"user-service": "user", "monolith": "monolith"}
    rings = {whose: KeyRing(Database(target.database_url(name)), secret, 0) for whose, name in databases.items()}
    return {whose: ring.signer().private.sign for whose, ring in rings.items()}


@pytest.mark.parametrize("service", SERVICES)
def test_a_token_signed_by_a_stranger_is_refused_by_every_endpoint(attacked, real, service):
    whose = "monolith" if service == "monolith" else "user-service"
    answers = everywhere(attacked, service, f"Bearer {FORGED['signed by a stranger'](real[whose])}")
    for answer in answers:
        assert_problem(answer, 401, "The token is forged")
    assert len(answers) == len(guarded(attacked, service)) > 0


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_token_is_refused(attacked, real, service, kind):
    token = FORGED[kind](real["monolith" if service == "monolith" else "user-service"])
    before = attacked.get(service, "/stock").text
    for answer in everywhere(attacked, service, f"Bearer {token}", few=True):
        if kind in UNKNOWN_KEY and answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0  # such a key may have been made since it last looked
            continue
        assert_problem(answer, 401, "The token")
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="shop", error="invalid_token"')
    assert attacked.get(service, "/stock").text == before


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "change",
    [
        {"exp": NOW - 60},
        {"exp": None},
        {"exp": "never"},
        {"aud": "another shop"},
        {"aud": ["another", "shop too"]},
        {"aud": None},
        {"iss": "order-service"},
        {"iss": None},
        {"sub": None},
        {"sub": 7},
        {"iat": None},
        {"iat": NOW + 3600},
        {"nbf": NOW + 3600},
        {"permissions": "users:all"},
        {"permissions": None},
    ],
    ids=", ".join,  # its names: values that differ from run to run would make other tests
)
def test_a_token_that_says_something_wrong_is_refused_although_the_key_is_ours(attacked, real, ours, service, change):
    whose = "monolith" if service == "monolith" else "user-service"
    token = by_hand(real[whose], real[whose].more(**change), ours[whose])
    for answer in everywhere(attacked, service, f"Bearer {token}", few=True):
        assert_problem(answer, 401, "token")


@pytest.mark.parametrize("service", SERVICES)
def test_a_token_that_says_nothing_wrong_is_let_in_everywhere(attacked, real, ours, service):
    """Or the tests above would prove nothing."""
    whose = "monolith" if service == "monolith" else "user-service"
    token = by_hand(real[whose], real[whose].more(), ours[whose])
    answers = everywhere(attacked, service, f"Bearer {token}", methods="get")
    assert answers and {answer.status_code for answer in answers} <= {200, 404, 422}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YWRtaW46YWRtaW4=", "Token x", "Digest username=admin"]
)
def test_what_is_no_token_at_all_is_refused_everywhere(attacked, service, header):
    for answer in everywhere(attacked, service, header, few=True):
        assert_problem(answer, 401, "")


def test_a_token_of_the_monolith_is_none_of_the_services_and_the_other_way_round(attacked, real):
    for service in SERVICES:
        other = real["user-service" if service == "monolith" else "monolith"]
        statuses = {answer.status_code for answer in everywhere(attacked, service, f"Bearer {other.token}")}
        assert statuses <= {401, 503}  # 503: such a key may have been made since it last looked


@pytest.mark.parametrize("service", SERVICES)
def test_a_customer_gets_403_where_more_is_needed(attacked, real, service):
    token = real["monolith" if service == "monolith" else "user-service"].token
    refused = 0
    for answer in everywhere(attacked, service, f"Bearer {token}", but_not="own"):
        assert_problem(answer, 403, "")
        refused += 1
    assert refused or service == "notification-service"


def test_two_authorization_headers_are_not_one_token(attacked, real):
    """Whichever of them a proxy looked at, a service must not look at the other one."""
    good = f"Authorization: Bearer {real['user-service'].token}"
    for headers in (["Authorization: Bearer x", good], [good, "Authorization: Bearer x"]):
        for door in ("order-service", "gateway"):
            assert spoken(attacked.where.address(door), "GET /orders HTTP/1.1", *headers).status == 401


def everywhere(shop: Shop, service: str, authorization: str, **which: Any) -> list[requests.Response]:
    """The answers of endpoints of a service that want a token."""
    headers = {"Authorization": authorization.encode(), "Idempotency-Key": uuid4().hex}
    with requests.Session() as http:
        http.trust_env = False
        return [
            http.request(
                method, shop.url(service, path.format_map(THERE)), json=BODIES.get(path), headers=headers, timeout=10
            )
            for method, path in guarded(shop, service, **which)
        ]


def guarded(shop: Shop, service: str, methods: str = "", but_not: str = "", few: bool = False) -> list[tuple[str, str]]:
    """(method, path) of the endpoints that want a token: of these methods, for which no permission that ends so is enough; of
    a few, the first to look and the first to change something. All of them have the same guard in front."""
    found = {}
    for path, operations in shop.get(service, "/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            enough = [
                permission.partition(":")[2] for each in operation.get("security", []) for permission in each["bearer"]
            ]
            if enough and (not methods or method in methods) and but_not not in enough:
                found[method, path] = method == "get"
    first = {looks: endpoint for endpoint, looks in reversed(found.items())}
    return list(first.values() if few else found)
