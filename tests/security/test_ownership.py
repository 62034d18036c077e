"""What is somebody else's: orders, profiles, notifications, keys of requests. A customer who tries gets what a stranger would
get for something that does not exist, and leaves no trace in it."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from labs.classroom.people import ADMINISTRATOR
from labs.classroom.shop import Shop
from labs.classroom.watching import until
from labs.infra.system import System
from tests.services.answers import assert_problem


class Prey(NamedTuple):
    """Somebody who has bought something, somebody who would like to know what, and the shop that they meet in."""

    shop: Shop
    sku: str
    owner: str
    owner_id: str
    order: str
    stranger: str


@pytest.fixture(scope="module", params=["", "gateway", "monolith"], ids=["services", "gateway", "monolith"])
def prey(request: pytest.FixtureRequest, target: System) -> Iterator[Prey]:
    """Through each door of the shop."""
    shop = Shop(target, through=request.param)
    sku, owner, stranger = (
        f"tea-{uuid4().hex[:12]}",
        f"{uuid4().hex[:12]}@example.org",
        f"{uuid4().hex[:12]}@example.org",
    )
    shop.stock(sku, 100)
    order = shop.place((sku, 1), email=owner)
    assert shop.wait([order])[order].status == "fulfilled"
    until(lambda: shop.get("notification-service", "/notifications", owner).json()["items"])
    return Prey(shop, sku, owner, shop.look(order)["customer_id"], order, stranger)


def test_another_customers_order_is_not_found(prey):
    answer = prey.shop.get("order-service", f"/orders/{prey.order}", prey.stranger)
    assert_problem(answer, 404, prey.order)
    assert prey.sku not in answer.text


def test_another_customers_order_looks_like_one_that_does_not_exist(prey):
    real = prey.shop.get("order-service", f"/orders/{prey.order}", prey.stranger)
    none = prey.shop.get("order-service", f"/orders/{uuid4()}", prey.stranger)
    assert (real.status_code, real.json()["title"], real.headers.keys()) == (
        404,
        none.json()["title"],
        none.headers.keys(),
    )


@pytest.mark.parametrize(
    "written", [str.upper, "{{{}}}".format, "urn:uuid:{}".format, "{}/".format, "{}%00".format, "{}?id=1".format]
)
def test_another_customers_order_is_not_found_however_its_number_is_written(prey, written):
    answer = prey.shop.get("order-service", f"/orders/{written(prey.order)}", prey.stranger)
    assert answer.status_code in (400, 404, 308)
    assert prey.sku not in answer.text


def test_another_customers_order_is_not_cancelled(prey):
    order = prey.shop.place((prey.sku, 1), email=prey.owner)
    assert_problem(prey.shop.cancel(order, prey.stranger), 404, order)
    assert prey.shop.wait([order])[order].status == "fulfilled"


def test_another_customers_orders_are_not_listed_whoever_the_question_names(prey):
    for question in ({}, {"customer_id": prey.owner_id}, {"limit": 100}, {"status": "fulfilled"}):
        answer = prey.shop.get("order-service", "/orders", prey.stranger, params=question)
        assert answer.status_code in (200, 422)
        assert prey.order not in answer.text


def test_another_customers_page_shows_the_own_orders(prey):
    for _ in range(2):
        prey.shop.place((prey.sku, 1), email=prey.owner)
    after = prey.shop.get("order-service", "/orders", prey.owner, params={"limit": 1}).json()["next"]
    assert after
    answer = prey.shop.get("order-service", "/orders", prey.stranger, params={"after": after, "limit": 100})
    assert answer.json()["items"] == []


def test_another_customers_notifications_are_not_shown(prey):
    own = prey.shop.get("notification-service", "/notifications", prey.owner, params={"order_id": prey.order}).json()
    assert own["items"]
    for question in ({}, {"order_id": prey.order}):
        answer = prey.shop.get("notification-service", "/notifications", prey.stranger, params=question)
        assert answer.json()["items"] == []


def test_another_customers_profile_is_neither_shown_nor_changed(prey):
    place = f"/users/{prey.owner_id}"
    before = prey.shop.get("user-service", place, prey.owner).json()
    for method, path, body in (
        ("GET", place, None),
        ("GET", f"{place}/permissions", None),
        ("PATCH", place, {"email": f"taken-{uuid4().hex}@example.org"}),
        ("PUT", f"{place}/roles", {"roles": ["admin"]}),
        ("GET", "/users", None),
    ):
        answer = prey.shop.send(method, "user-service", path, prey.stranger, json=body)
        assert_problem(answer, 403, "")
        assert prey.owner not in answer.text
    assert prey.shop.get("user-service", place, prey.owner).json() == before


def test_another_customers_idempotency_key_gives_neither_their_answer_nor_away_that_it_exists(prey):
    key = uuid4().hex
    first = prey.shop.order((prey.sku, 1), email=prey.owner, key=key)
    same = prey.shop.order((prey.sku, 1), email=prey.stranger, key=key)
    other = prey.shop.order((prey.sku, 2), email=f"{uuid4().hex}@example.org", key=key)
    assert [answer.status_code for answer in (first, same, other)] == [202] * 3
    assert len({answer.json()["id"] for answer in (first, same, other)}) == 3
    assert len({answer.json()["customer_id"] for answer in (first, same, other)}) == 3


@pytest.mark.parametrize(
    "more",
    [
        {"customer_id": "somebody-else"},
        {"id": str(uuid4())},
        {"status": "fulfilled"},
        {"total": {"amount": 1, "currency": "EUR"}},
        {"amount": 1},
        {"tracking_code": "mine"},
        {"created_at": "2000-01-01T00:00:00Z"},
        {"step": None},
        {"missing": []},
        {"_sa_instance_state": {}},
        {"__class__": "Order"},
    ],
    ids=", ".join,  # its names: values that differ from run to run would make other tests
)
def test_an_order_says_what_is_wanted_and_nothing_else(prey, more):
    answer = prey.shop.order((prey.sku, 1), email=prey.stranger, **more)
    assert_problem(answer, 422, next(iter(more)))


def test_a_line_says_which_product_and_how_many_and_nothing_else(prey):
    for more in ({"amount": 1}, {"price": {"amount": 1, "currency": "EUR"}}, {"currency": "XXX"}, {"discount": 100}):
        body: dict[str, Any] = {"lines": [{"sku": prey.sku, "quantity": 1} | more]}
        headers = {"Idempotency-Key": uuid4().hex}
        assert_problem(
            prey.shop.post("order-service", "/orders", body, prey.stranger, headers=headers), 422, next(iter(more))
        )


def test_of_two_values_of_one_field_the_last_counts_for_everybody(prey):
    """The rule of every JSON parser here, so that nobody checks one value and believes the other."""
    raw = f'{{"lines": [{{"sku": "{prey.sku}", "quantity": 1, "quantity": 2}}], "card": "x", "card": "card-ok"}}'
    headers = prey.shop.people.headers(prey.stranger) | {
        "Idempotency-Key": uuid4().hex,
        "Content-Type": "application/json",
    }
    answer = prey.shop.send("POST", "order-service", "/orders", data=raw, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.json()["lines"][0]["quantity"] == 2
    assert answer.json()["total"]["amount"] == 700


def test_the_shopkeeper_sees_it_all(prey):
    """Or the refusals above would prove nothing."""
    assert prey.shop.get("order-service", f"/orders/{prey.order}", ADMINISTRATOR).status_code == 200
    assert prey.shop.get("user-service", f"/users/{prey.owner_id}", ADMINISTRATOR).json()["email"] == prey.owner
    found = prey.shop.get("notification-service", "/notifications", ADMINISTRATOR, params={"order_id": prey.order})
    assert found.json()["items"]
