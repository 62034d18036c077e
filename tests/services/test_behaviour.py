"""What customers and the clerk see over HTTP. Nothing here knows what the shop is made of or what it runs on."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests

from labs.classroom.people import ADMINISTRATOR
from labs.classroom.watching import until
from tests.services.answers import assert_problem


@pytest.fixture
def sku() -> str:
    """A product that no other test knows."""
    return f"tea-{uuid4().hex[:12]}"


@pytest.fixture
def email() -> str:
    """A customer whom no other test knows."""
    return f"{uuid4().hex[:12]}@example.org"


# --- users ------------------------------------------------------------------------------------------------------------


def test_who_registers_can_log_in_and_see_the_own_profile(shop, email):
    login = {"email": email, "password": "correct horse"}
    registered = shop.post("user-service", "/users", {"name": "A customer", **login})
    token = shop.post("user-service", "/tokens", login).json()["access_token"]

    profile = shop.get("user-service", registered.headers["Location"], headers={"Authorization": f"Bearer {token}"})
    assert (registered.status_code, profile.status_code) == (201, 200)
    assert (profile.json()["email"], profile.json()["channels"]) == (email, ["email"])
    assert "password" not in profile.text


def test_an_address_registers_once(shop, email):
    body = {"name": "A customer", "email": email, "password": "correct horse"}
    shop.post("user-service", "/users", body)
    assert_problem(shop.post("user-service", "/users", body), 409, "")


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(shop, email):
    shop.post("user-service", "/users", {"name": "A customer", "email": email, "password": "correct horse"})
    wrong = shop.post("user-service", "/tokens", {"email": email, "password": "battery staple"})
    unknown = shop.post("user-service", "/tokens", {"email": f"not-{email}", "password": "battery staple"})

    assert_problem(wrong, 401, "")
    assert wrong.json() == unknown.json()


def test_nobody_else_may_read_a_profile(shop, email):
    location = shop.post(
        "user-service", "/users", {"name": "A customer", "email": email, "password": "correct horse"}
    ).headers["Location"]
    assert_problem(shop.get("user-service", location), 401, "")
    assert_problem(shop.get("user-service", location, f"other-{email}"), 403, "")
    assert shop.get("user-service", location, ADMINISTRATOR).status_code == 200


# --- catalogue, prices, stock -----------------------------------------------------------------------------------------


def test_a_product_in_the_catalogue_can_be_looked_at_found_and_priced(shop, sku):
    shop.offer(sku, 420, name=f"Green {sku}")

    product = shop.get("inventory-service", f"/products/{sku}").json()
    assert (product["name"], product["price"], product["available"]) == (
        f"Green {sku}",
        {"amount": 420, "currency": "EUR"},
        0,
    )
    found = shop.get("inventory-service", "/products", params={"search": sku.upper()}).json()["items"]
    assert [each["sku"] for each in found] == [sku]
    prices = shop.get("inventory-service", "/prices", params={"sku": [sku, f"no-{sku}"]}).json()
    assert [(each["sku"], each["amount"]) for each in prices["items"]] == [(sku, 420)]
    assert prices["unknown"] == [f"no-{sku}"]


def test_only_a_clerk_changes_catalogue_and_stock(shop, sku, email):
    product = {"name": sku, "price": {"amount": 1, "currency": "EUR"}}
    assert_problem(shop.send("PUT", "inventory-service", f"/products/{sku}", email, json=product), 403, "")
    assert_problem(shop.send("PUT", "inventory-service", f"/products/{sku}", json=product), 401, "")
    shop.offer(sku)
    assert_problem(shop.post("inventory-service", "/stock", {"sku": sku, "quantity": 1}, email), 403, "")


def test_stock_that_arrives_is_added_and_can_be_asked_for(shop, sku):
    assert shop.stock(sku, 3) == 3
    assert shop.stock(sku, 4) == 7
    assert shop.get("inventory-service", f"/stock/{sku}").json() == {"sku": sku, "available": 7}


def test_stock_is_corrected_downwards_but_never_below_zero(shop, sku):
    shop.stock(sku, 3)
    broken = {"sku": sku, "quantity": -2, "reason": "damage"}
    assert shop.post("inventory-service", "/stock", broken, ADMINISTRATOR).json()["available"] == 1
    assert_problem(shop.post("inventory-service", "/stock", broken, ADMINISTRATOR), 409, "")
    assert shop.available(sku) == 1


def test_a_product_that_is_not_in_the_catalogue_is_not_found(shop, sku):
    assert_problem(shop.get("inventory-service", f"/stock/{sku}"), 404, sku)
    assert_problem(shop.get("inventory-service", f"/products/{sku}"), 404, sku)
    assert_problem(shop.post("inventory-service", "/stock", {"sku": sku, "quantity": 1}, ADMINISTRATOR), 404, sku)


@pytest.mark.parametrize("quantity", [0, 1_000_001, True, 1.5, "1", None])
def test_stock_in_no_number_of_pieces_is_refused_and_not_stored(shop, sku, quantity):
    shop.offer(sku)
    answer = shop.post("inventory-service", "/stock", {"sku": sku, "quantity": quantity}, ADMINISTRATOR)
    assert_problem(answer, 422, "quantity")
    assert shop.available(sku) == 0


# --- orders -----------------------------------------------------------------------------------------------------------


def test_an_order_is_accepted_with_the_shops_own_prices_and_says_where_to_look(shop, sku):
    shop.stock(sku, 5)
    answer = shop.order((sku, 2))

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/orders/{answer.json()['id']}"
    order = shop.look(answer.json()["id"])
    assert order["lines"] == [{"sku": sku, "quantity": 2, "amount": 350, "currency": "EUR"}]
    assert order["total"] == {"amount": 700, "currency": "EUR"}


def test_an_order_is_reserved_paid_and_shipped_and_the_customer_hears_of_it(shop, sku, email):
    shop.stock(sku, 5)
    order = shop.place((sku, 2), email=email)

    assert shop.wait([order])[order].status == "fulfilled"
    assert shop.available(sku) == 3
    assert shop.look(order)["tracking_code"]
    assert charged(shop, order) == 700
    assert shop.wait_for_mails(3, within=20, to=email), "it is confirmed, it is paid, it is on its way"
    mails = all_mails(shop, sku, email)
    assert {mail["order_id"] for mail in mails} == {order}
    assert any(shop.look(order)["tracking_code"] in mail["body"] for mail in mails)


def test_an_order_beyond_the_stock_is_rejected_nothing_is_charged_and_the_customer_hears_why(shop, sku, email):
    shop.stock(sku, 5)
    order = shop.place((sku, 6), email=email)

    settled = shop.wait([order])[order]
    assert (settled.status, settled.reason) == ("rejected", f"{sku}: 6 wanted, 5 available")
    assert shop.available(sku) == 5
    assert charged(shop, order) == 0
    [mail] = all_mails(shop, sku, email)
    assert settled.reason in mail["body"]


def test_an_order_whose_card_is_declined_is_rejected_and_its_pieces_are_for_sale_again(shop, sku):
    shop.stock(sku, 5)
    order = shop.place((sku, 2), card="card-declined")

    settled = shop.wait([order])[order]
    assert settled.status == "rejected"
    assert "declined" in settled.reason
    assert until(lambda: shop.available(sku) == 5)
    assert charged(shop, order) == 0


def test_an_order_that_the_customer_cancels_is_not_paid_for(shop, sku, email):
    shop.stock(sku, 5)
    order = shop.place((sku, 2), email=email)
    answer = shop.cancel(order, email)

    assert answer.status_code in (202, 409), answer.text
    settled = shop.wait([order])[order].status
    assert settled == ("cancelled" if answer.status_code == 202 else "fulfilled")
    assert charged(shop, order) == (0 if settled == "cancelled" else 700)
    assert until(lambda: shop.available(sku) == (5 if settled == "cancelled" else 3))
    assert_problem(shop.cancel(order, email), 409, settled)


def test_a_product_that_the_shop_does_not_have_cannot_be_ordered(shop, sku):
    assert_problem(shop.order((sku, 1)), 422, sku)


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
    within = shop.place((sku, 2), (sku, 2))
    assert shop.wait([within])[within].status == "fulfilled"
    beyond = shop.place((sku, 1), (sku, 1))
    assert shop.wait([beyond])[beyond].status == "rejected"
    assert shop.available(sku) == 1


def test_of_200_buyers_of_100_pieces_exactly_100_get_one(shop, sku, email):
    shop.stock(sku, 100)
    with ThreadPoolExecutor(8) as buyers:
        orders = list(buyers.map(lambda _: shop.place((sku, 1), email=email), range(200)))

    settled = shop.wait(orders, within=90).values()
    assert sorted(each.status for each in settled) == ["fulfilled"] * 100 + ["rejected"] * 100
    assert shop.available(sku) == 0
    assert sum(charged(shop, order) for order in orders) == 100 * 350


def test_20_identical_requests_at_once_are_one_order_and_get_one_answer(shop, sku, email):
    shop.stock(sku, 50)
    shop.people.headers(email)
    key = uuid4().hex
    with ThreadPoolExecutor(20) as impatient:
        answers = list(impatient.map(lambda _: shop.order((sku, 1), email=email, key=key), range(20)))

    assert {answer.status_code for answer in answers} == {202}
    [order] = {answer.json()["id"] for answer in answers}
    assert len({answer.text for answer in answers}) == 1
    shop.wait([order])
    assert shop.available(sku) == 49
    assert charged(shop, order) == 350


def test_the_same_key_with_another_order_is_refused_and_another_customers_key_is_another_key(shop, sku, email):
    shop.stock(sku, 5)
    key = uuid4().hex
    first = shop.order((sku, 1), email=email, key=key)

    assert_problem(shop.order((sku, 2), email=email, key=key), 422, "Idempotency-Key")
    assert shop.order((sku, 1), email=f"other-{email}", key=key).json()["id"] != first.json()["id"]


def test_an_order_without_a_key_or_a_token_is_refused(shop, sku, email):
    shop.stock(sku, 1)
    body = {"lines": [{"sku": sku, "quantity": 1}]}
    assert_problem(shop.post("order-service", "/orders", body, email), 400, "Idempotency-Key")
    assert_problem(shop.post("order-service", "/orders", body, headers={"Idempotency-Key": "k"}), 401, "")


def test_nobody_sees_or_cancels_another_customers_order(shop, sku, email):
    shop.stock(sku, 1)
    order = shop.place((sku, 1), email=email)
    other = f"other-{email}"

    assert_problem(shop.get("order-service", f"/orders/{order}", other), 404, order)
    assert_problem(shop.cancel(order, other), 404, order)
    assert shop.get("order-service", "/orders", other).json()["items"] == []
    assert [each["id"] for each in shop.get("order-service", "/orders", email).json()["items"]] == [order]


def test_orders_come_in_pages_newest_first(shop, sku, email):
    shop.stock(sku, 1)
    placed = [shop.place((sku, 1), email=email) for _ in range(5)]
    seen: list[str] = []
    page: dict[str, str | int] = {"limit": 2}
    while True:
        answer = shop.get("order-service", "/orders", email, params=page).json()
        seen += [order["id"] for order in answer["items"]]
        if not answer["next"]:
            break
        page["after"] = answer["next"]
    assert seen == placed[::-1]


def test_an_order_that_nobody_placed_is_not_found(shop):
    assert_problem(shop.get("order-service", f"/orders/{uuid4()}", ADMINISTRATOR), 404, "")


# --- notifications ----------------------------------------------------------------------------------------------------


def test_a_customer_hears_by_the_channels_that_the_customer_chose(shop, sku, email):
    phone = f"+49{uuid4().int % 10**10:010d}"
    shop.people.register(email, phone=phone, channels=["sms"])
    shop.stock(sku, 1)
    order = shop.place((sku, 1), email=email)
    shop.wait([order])

    messages = until(
        lambda: [m for m in shop.get("outside", "/sms/messages").json() if m["to"] == phone and order in m["text"]]
    )
    assert messages
    assert shop.mails(to=email) == []
    told = until(
        lambda: [
            n
            for n in shop.get("notification-service", "/notifications", email, params={"order_id": order}).json()[
                "items"
            ]
            if n["status"] == "sent"
        ]
    )
    assert {each["channel"] for each in told} == {"sms"}


def test_answers_are_problems_or_what_was_asked_for_even_for_a_page_that_is_not_there(shop):
    assert_problem(shop.get("order-service", "/nothing-here"), 404, "not found")
    assert_problem(requests.put(shop.url("order-service", "/openapi.json"), timeout=10), 405, "not allowed")


# --- what the tests say in one word -----------------------------------------------------------------------------------


def charged(shop, order: str) -> int:
    """Cents that the payment provider's own book says this order cost its customer: charges less refunds."""
    book = shop.get("outside", "/payments/book", headers=provider(shop), params={"order_id": order}).json()
    charges = sum(each["amount"] for each in book["charges"] if each["order_id"] == order)
    return charges - sum(each["amount"] for each in book["refunds"] if each["order_id"] == order)


def provider(shop) -> dict[str, str]:
    """The header that the payment provider wants."""
    return {"Authorization": f"Bearer {shop.secret('SECRET_OUTSIDE')}"}


def all_mails(shop, sku: str, email: str) -> list[dict[str, str]]:
    """All that this customer has got once a later order's mail is there: what is sent twice has come by then."""
    later = f"later-{email}"
    shop.place((sku, 1_000_000), email=later)
    assert shop.wait_for_mails(1, to=later)
    mails: list[dict[str, str]] = shop.mails(to=email)
    assert len({mail["message_id"] for mail in mails}) == len(mails)
    assert len({(mail["order_id"], mail["subject"]) for mail in mails}) == len(mails)
    return mails
