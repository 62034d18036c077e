"""No request, however wrong, breaks a service or leaves something behind; the answer says what to change."""

import pytest
import requests

from tests.services.bad_orders import BAD_ORDERS
from tests.services.test_behaviour import assert_problem


@pytest.mark.parametrize("bad", BAD_ORDERS, ids=lambda bad: bad.wrong.replace(" ", "-"))
def test_a_bad_order_is_refused_in_words_and_not_stored(shop, bad):
    before = newest(shop)
    headers = {"Content-Type": bad.content_type} if bad.content_type else {}

    answer = requests.post(shop.url("order-service", "/orders"), data=bad.body, headers=headers, timeout=10)

    assert_problem(answer, bad.status, bad.said)
    assert newest(shop) == before


def test_many_mistakes_are_all_listed_and_the_first_named(shop):
    body = {"customer_email": "nobody", "lines": [{"sku": "tea", "quantity": 0}] * 20}
    problem = shop.post("order-service", "/orders", body).json()

    assert problem["detail"].startswith("customer_email: must be one email address")
    assert problem["detail"].endswith("and 16 more")
    assert len(problem["errors"]["json"]) == 21


def newest(shop) -> list[str]:
    """The ids of the newest orders."""
    return [order["id"] for order in shop.get("order-service", "/orders").json()]
