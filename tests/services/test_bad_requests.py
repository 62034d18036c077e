"""No request, however wrong, breaks a service or leaves something behind; the answer says what to change."""

from uuid import uuid4

import pytest
import requests

from labs.classroom.people import ADMINISTRATOR
from labs.classroom.shop import EMAIL
from tests.services.answers import assert_problem
from tests.services.bad_orders import BAD_ORDERS, BAD_USERS


@pytest.mark.parametrize("bad", BAD_ORDERS, ids=lambda bad: bad.wrong.replace(" ", "-"))
def test_a_bad_order_is_refused_in_words_and_not_stored(shop, bad):
    shop.offer("tea")
    before = newest(shop)
    headers = shop.people.headers(EMAIL) | {"Idempotency-Key": uuid4().hex} | content_type(bad)

    answer = requests.post(shop.url("order-service", "/orders"), data=bad.body, headers=headers, timeout=10)

    assert_problem(answer, bad.status, bad.said)
    assert newest(shop) == before


@pytest.mark.parametrize(
    "key", ["", "two words", "ä", "x" * 129, "a\tb"], ids=["empty", "space", "umlaut", "long", "tab"]
)
def test_a_key_that_is_none_is_refused(shop, key):
    shop.offer("tea")
    headers = shop.people.headers(EMAIL) | {"Idempotency-Key": key.encode()}
    body = {"lines": [{"sku": "tea", "quantity": 1}]}
    answer = requests.post(shop.url("order-service", "/orders"), json=body, headers=headers, timeout=10)
    assert_problem(answer, 400, "Idempotency-Key")


def test_many_mistakes_are_all_listed_and_the_first_named(shop):
    body = {"discount": 1, "lines": [{"sku": "tea", "quantity": 0}] * 20}
    problem = shop.post("order-service", "/orders", body, EMAIL, headers={"Idempotency-Key": uuid4().hex}).json()

    assert problem["detail"].endswith("and 16 more")
    assert len(problem["errors"]["json"]) == 21


@pytest.mark.parametrize("bad", BAD_USERS, ids=lambda bad: bad.wrong.replace(" ", "-"))
def test_a_bad_registration_is_refused_in_words_and_not_stored(shop, bad):
    everybody = shop.get("user-service", "/users", ADMINISTRATOR).json()
    answer = requests.post(shop.url("user-service", "/users"), data=bad.body, headers=content_type(bad), timeout=10)
    assert_problem(answer, bad.status, bad.said)
    assert shop.get("user-service", "/users", ADMINISTRATOR).json() == everybody


def content_type(bad) -> dict[str, str]:
    """What it claims to be."""
    return {"Content-Type": bad.content_type} if bad.content_type else {}


def newest(shop) -> list[str]:
    """The ids of the newest orders."""
    return [order["id"] for order in shop.get("order-service", "/orders", ADMINISTRATOR).json()["items"]]
