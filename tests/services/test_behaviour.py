"""What customers and the shopkeeper see over HTTP. Nothing here knows what the shop is made of or what it runs on."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests

SERVICES = ("order-service", "inventory-service", "notification-service", "inbox")


@pytest.fixture
def sku() -> str:
    """A product that no other test knows."""
    return f"tea-{uuid4().hex[:12]}"


@pytest.fixture
def email() -> str:
    """A customer whom no other test knows."""
    return f"{uuid4().hex[:12]}@example.org"


# --- stock ------------------------------------------------------------------------------------------------------------


def test_registered_stock_can_be_asked_for(shop, sku):
    answer = shop.post("inventory-service", "/stock", {"sku": sku, "quantity": 3})

    assert (answer.status_code, answer.json()) == (201, {"sku": sku, "available": 3})
    assert shop.get("inventory-service", f"/stock/{sku}").json() == {"sku": sku, "available": 3}
    assert shop.get("inventory-service", "/stock").json()[sku] == 3


def test_what_arrives_later_is_added(shop, sku):
    shop.stock(sku, 3)
    assert shop.stock(sku, 4) == 7
    assert shop.available(sku) == 7


def test_a_product_that_was_never_stocked_is_not_found(shop, sku):
    assert_problem(shop.get("inventory-service", f"/stock/{sku}"), 404, sku)


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001, True, 1.5, "1", None])
def test_stock_in_no_number_of_pieces_is_refused_and_not_stored(shop, sku, quantity):
    answer = shop.post("inventory-service", "/stock", {"sku": sku, "quantity": quantity})
    assert_problem(answer, 422, "quantity: Input should be")
    assert shop.get("inventory-service", f"/stock/{sku}").status_code == 404


# --- orders -----------------------------------------------------------------------------------------------------------


def test_an_order_is_accepted_at_once_and_says_where_to_look(shop, sku):
    shop.stock(sku, 5)
    answer = shop.order((sku, 2))

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/orders/{answer.json()['id']}"
    assert shop.get("order-service", answer.headers["Location"]).json()["lines"] == [{"sku": sku, "quantity": 2}]


def test_an_order_within_the_stock_is_confirmed_the_stock_falls_and_the_customer_gets_one_mail(shop, sku, email):
    shop.stock(sku, 5)
    order = shop.place((sku, 2), email=email)

    assert shop.wait([order])[order].status == "confirmed"
    assert shop.available(sku) == 3
    [mail] = all_mails(shop, sku, email)
    assert (mail["order_id"], mail["to"]) == (order, email)
    assert order in mail["body"]


def test_an_order_beyond_the_stock_is_rejected_and_the_customer_hears_why(shop, sku, email):
    shop.stock(sku, 5)
    order = shop.place((sku, 6), email=email)

    settled = shop.wait([order])[order]
    assert (settled.status, settled.reason) == ("rejected", f"{sku}: 6 wanted, 5 available")
    assert shop.available(sku) == 5
    [mail] = all_mails(shop, sku, email)
    assert mail["order_id"] == order
    assert settled.reason in mail["body"]


def test_an_order_for_a_product_that_nobody_stocked_is_rejected(shop, sku):
    order = shop.place((sku, 1))
    settled = shop.wait([order])[order]
    assert (settled.status, settled.reason) == ("rejected", f"{sku}: 1 wanted, 0 available")


def test_an_order_with_one_line_short_takes_nothing(shop, sku):
    shop.stock(f"{sku}-a", 5)
    shop.stock(f"{sku}-b", 1)
    shop.stock(f"{sku}-c", 5)
    order = shop.place((f"{sku}-a", 2), (f"{sku}-b", 2), (f"{sku}-c", 2))

    settled = shop.wait([order])[order]
    assert (settled.status, settled.reason) == ("rejected", f"{sku}-b: 2 wanted, 1 available")
    assert [shop.available(f"{sku}-{each}") for each in "abc"] == [5, 1, 5]


def test_two_lines_of_one_product_count_together(shop, sku):
    shop.stock(sku, 5)
    within, beyond = shop.place((sku, 2), (sku, 2)), shop.place((sku, 1), (sku, 1))

    settled = shop.wait([within, beyond])
    assert (settled[within].status, settled[beyond].status) == ("confirmed", "rejected")
    assert shop.available(sku) == 1


def test_all_lines_that_an_order_may_have_are_reserved(shop, sku):
    skus = [f"{sku}-{each}" for each in range(100)]
    for each in skus:
        shop.stock(each, 1)
    order = shop.place(*((each, 1) for each in skus))

    assert shop.wait([order])[order].status == "confirmed"
    stock = shop.get("inventory-service", "/stock").json()
    assert {stock[each] for each in skus} == {0}


def test_of_200_buyers_of_100_pieces_exactly_100_get_one(shop, sku, email):
    shop.stock(sku, 100)
    with ThreadPoolExecutor(8) as buyers:
        orders = list(buyers.map(lambda _: shop.place((sku, 1), email=email), range(200)))

    settled = shop.wait(orders, within=60).values()
    assert sorted(each.status for each in settled) == ["confirmed"] * 100 + ["rejected"] * 100
    assert shop.available(sku) == 0
    mails = shop.wait_for_mails(200, within=30, to=email)
    assert sorted(mail["order_id"] for mail in mails) == sorted(orders)


def test_an_order_that_nobody_placed_is_not_found(shop):
    assert_problem(shop.get("order-service", "/orders/nobody-placed-me"), 404, "nobody-placed-me")


# --- what every service keeps to --------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_a_page_that_is_not_there_and_a_method_that_is_not_allowed_are_problems(shop, service):
    assert_problem(shop.get(service, "/nothing-here"), 404, "not found")
    assert_problem(requests.put(shop.url(service, "/openapi.json"), timeout=10), 405, "not allowed")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("question", ["live", "ready", "started"])
def test_a_service_that_is_well_says_so(shop, service, question):
    answer = shop.get(service, f"/health/{question}")
    assert (answer.status_code, answer.json()["status"]) == (200, "pass")


@pytest.mark.parametrize("service", SERVICES)
def test_a_correlation_id_comes_back_and_without_one_a_new_one_is_made(shop, service):
    first, second = (shop.get(service, "/health/live").headers["X-Correlation-ID"] for _ in range(2))
    assert first
    assert first != second
    given = shop.get(service, "/health/live", headers={"X-Correlation-ID": "asked-with-this"})
    assert given.headers["X-Correlation-ID"] == "asked-with-this"


def test_one_correlation_id_runs_through_the_logs_of_all_services(shop, log, sku):
    shop.stock(sku, 1)
    correlation_id = uuid4().hex
    body = {"customer_email": "customer@example.org", "lines": [{"sku": sku, "quantity": 1}]}
    order = shop.post("order-service", "/orders", body, headers={"X-Correlation-ID": correlation_id}).json()["id"]

    shop.wait_for_mails(1, order_id=order)
    said = {name: log(name) for name in ("order-api", "inventory-worker", "order-worker", "notification-worker")}
    assert [name for name in said if correlation_id not in said[name]] == []


# --- what the tests say in one word -----------------------------------------------------------------------------------


def assert_problem(answer: requests.Response, status: int, said: str) -> None:
    """An RFC 9457 problem with this status, whose detail says this."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), answer.text
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["title"]
    assert said in problem["detail"]


def all_mails(shop, sku: str, email: str) -> list[dict[str, str]]:
    """All that this customer has got once a later order's mail is there: what is sent twice has come by then."""
    later = f"later-{email}"
    shop.place((sku, 1_000_000), email=later)
    assert shop.wait_for_mails(1, to=later)
    return shop.mails(to=email)
