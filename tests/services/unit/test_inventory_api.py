"""inventory-service over HTTP: who may do what, what is refused, what an answer looks like."""

import base64
from urllib.parse import quote

import pytest

from tests.services.tokens import CUSTOMER, bearer

TEA = {"name": "Green tea", "description": "Loose", "price": {"amount": 350, "currency": "EUR"}, "low_at": 3}


def test_a_product_is_put_changed_looked_at_and_found(inventory):
    made = inventory.ask("PUT", "/products/tea", TEA)
    assert (made.status_code, made.json) == (201, {"sku": "tea", "available": 0, **TEA})
    changed = inventory.ask("PUT", "/products/tea", {"name": "Tea", "price": {"amount": 1, "currency": "EUR"}})
    assert (changed.status_code, changed.json["description"], changed.json["low_at"]) == (200, "", None)
    assert inventory.ask("GET", "/products/tea", headers={}).json == changed.json
    assert inventory.ask("GET", "/products?search=TEA", headers={}).json == {"items": [changed.json], "next": None}


def test_stock_is_put_on_the_shelf_and_looked_at(inventory):
    inventory.offer("tea")
    assert inventory.ask("POST", "/stock", {"sku": "tea", "quantity": 5}).json == {"sku": "tea", "available": 5}
    gone = inventory.ask("POST", "/stock", {"sku": "tea", "quantity": -2, "reason": "damage"})
    assert (gone.status_code, gone.json["available"]) == (201, 3)
    assert inventory.ask("GET", "/stock/tea", headers={}).json == {"sku": "tea", "available": 3}
    assert inventory.ask("GET", "/stock", headers={}).json == {"tea": 3}


def test_prices_are_asked_for_many_products_at_once(inventory):
    inventory.offer("tea")
    inventory.offer("cup")
    answer = inventory.ask("GET", "/prices?sku=tea&sku=pot&sku=cup&sku=tea&sku=pan", headers={})
    assert answer.json["unknown"] == ["pot", "pan"]
    assert answer.json["items"] == [
        {"sku": sku, "amount": 350, "currency": "EUR", "version": 1} for sku in ("cup", "tea")
    ]


def test_the_prices_of_a_product_come_newest_first(inventory):
    for amount in (1, 2, 3):
        inventory.ask("PUT", "/products/tea", TEA | {"price": {"amount": amount, "currency": "EUR"}})
    first = inventory.ask("GET", "/products/tea/prices?limit=2").json
    second = inventory.ask("GET", f"/products/tea/prices?limit=2&after={first['next']}").json
    assert [price["amount"] for page in (first, second) for price in page["items"]] == [3, 2, 1]


def test_who_changed_what_is_the_caller_of_the_token(inventory):
    inventory.ask("PUT", "/products/tea", TEA, headers=bearer("clerk-7", ["catalogue:write"]))
    inventory.ask("POST", "/stock", {"sku": "tea", "quantity": 1}, headers=bearer("clerk-8", ["stock:write"]))
    with inventory.db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT changed_by FROM prices").scalars().all() == ["clerk-7"]
        assert connection.exec_driver_sql("SELECT adjusted_by, reason FROM adjustments").all() == [
            ("clerk-8", "delivery")
        ]


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "permission"),
    [
        ("PUT", "/products/tea", TEA, "catalogue:write"),
        ("POST", "/stock", {"sku": "tea", "quantity": 1}, "stock:write"),
    ],
)
def test_only_who_is_permitted_changes_anything(inventory, method, path, body, permission):
    inventory.offer("tea")
    assert inventory.ask(method, path, body, headers={}).status_code == 401
    refused = inventory.ask(method, path, body, headers=bearer(permissions=CUSTOMER))
    assert (refused.status_code, permission in refused.json["detail"]) == (403, True)
    assert inventory.ask(method, path, body, headers=bearer(permissions=[permission])).status_code < 300


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 201},
        {"name": "two\nlines"},
        {"name": "nothing\0"},
        {"name": "half \ud800"},
        {"name": None},
        {"description": "x" * 2001},
        {"description": "\0"},
        {"price": 350},
        {"price": {"amount": 3.5, "currency": "EUR"}},
        {"price": {"amount": -1, "currency": "EUR"}},
        {"price": {"amount": 10**9 + 1, "currency": "EUR"}},
        {"price": {"amount": 350, "currency": "eur"}},
        {"low_at": -1},
        {"low_at": 10**9 + 1},
        {"low_at": True},
        {"sku": "tea"},
        {"available": 5},
    ],
)
def test_what_makes_no_product_is_refused_and_nothing_is_kept(inventory, change):
    answer = inventory.ask("PUT", "/products/tea", TEA | change)
    assert answer.status_code == 422, answer.text
    assert next(iter(change)) in answer.json["detail"]
    assert inventory.ask("GET", "/products/tea").status_code == 404


@pytest.mark.parametrize("sku", ["Tea", "-tea", "t" * 41, "tea\0", "t e a", "té"])
@pytest.mark.parametrize("path", ["/products/", "/stock/"])
def test_what_is_no_sku_is_said_to_be_none(inventory, path, sku):
    answer = inventory.ask("GET", path + quote(sku))
    assert (answer.status_code, answer.json["detail"].split(":")[0]) == (422, "sku")


@pytest.mark.parametrize("path", ["/products/tea", "/products/tea/prices", "/stock/tea"])
def test_what_is_not_in_the_catalogue_is_not_found(inventory, path):
    answer = inventory.ask("GET", path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert "'tea'" in answer.json["detail"]


@pytest.mark.parametrize("quantity", [0, 1_000_001, -1_000_001, 10**30, True, 1.5, 1.0, "1", None])
def test_stock_in_no_number_of_pieces_is_refused(inventory, quantity):
    inventory.offer("tea", 3)
    answer = inventory.ask("POST", "/stock", {"sku": "tea", "quantity": quantity})
    assert (answer.status_code, "quantity" in answer.json["detail"]) == (422, True)
    assert inventory.stock() == {"tea": 3}


def test_stock_without_a_known_reason_or_product_or_below_nothing_is_refused(inventory):
    inventory.offer("tea", 3)
    for change, status in (({"reason": "theft"}, 422), ({"sku": "cup"}, 404), ({"quantity": -4}, 409)):
        answer = inventory.ask("POST", "/stock", {"sku": "tea", "quantity": 1} | change)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert inventory.stock() == {"tea": 3}


def cursor(text: str) -> str:
    """One that this service never gave."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "query",
    [
        "/prices",
        "/prices?sku=Tea",
        "/prices?sku=tea&page=1",
        "/prices?" + "&".join(["sku=tea"] * 101),
        "/products?limit=0",
        "/products?limit=101",
        "/products?limit=x",
        "/products?offset=1",
        "/products?search=" + "x" * 101,
        "/products?search=%00",
        "/products?search=a%0Ab",
        "/products?after=%25",
        f"/products?after={cursor('[5]')}",
        f"/products?after={cursor('{}')}",
        f"/products/tea/prices?after={cursor('[1.5]')}",
        f"/products/tea/prices?after={cursor('[true]')}",
    ],
)
def test_a_question_that_nobody_understands_is_refused(inventory, query):
    inventory.offer("tea")
    answer = inventory.ask("GET", query)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json"), answer.text


@pytest.mark.parametrize("place", ['["\\u0000"]', '["\\ud800"]', '["zzz"]'])
def test_a_cursor_that_somebody_made_up_breaks_nothing(inventory_on_each, place):
    inventory_on_each.offer("tea")
    assert inventory_on_each.ask("GET", f"/products?after={cursor(place)}").status_code < 500


@pytest.mark.parametrize("number", [-1, 0, 2**31, 2**63, 10**200])
def test_a_cursor_of_any_size_breaks_nothing(inventory_on_each, number):
    inventory_on_each.offer("tea")
    assert inventory_on_each.ask("GET", f"/products/tea/prices?after={cursor(f'[{number}]')}").status_code < 500
