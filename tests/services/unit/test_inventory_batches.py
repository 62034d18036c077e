"""Work in chunks: ten thousand prices at once, and the report of what is low."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from labs.services.chassis.shapes import Money
from labs.services.inventory.stores.tables import Product
from tests.services.tokens import CUSTOMER, bearer

EUR = Money(amount=1, currency="EUR")


def price(sku: str, amount: int = 500, currency: str = "EUR") -> dict[str, object]:
    """A line of an import."""
    return {"sku": sku, "amount": amount, "currency": currency}


def start(inventory, *prices: dict[str, object]) -> str:
    """The address of an import that was accepted."""
    answer = inventory.ask("POST", "/price-imports", {"prices": prices})
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def test_10_000_prices_are_imported_in_chunks_and_each_is_told(inventory):
    skus = [f"{number:05}-{'x' * 34}" for number in range(10_000)]
    said = {"name": "A product", "description": "", "searched": "", "amount": 1, "currency": "EUR", "version": 1}
    with inventory.db.transaction() as tx:
        tx.execute(insert(Product), [{"sku": sku, **said} for sku in skus])
    place = start(inventory, *[price(sku, 10**9 - number) for number, sku in enumerate(skus)])

    assert inventory.ask("GET", place).json["done"] == 0
    chunks = inventory.told("price_import_chunk")
    assert [len(chunk["lines"]) for chunk in chunks] == [100] * 100
    inventory.work()
    progress = inventory.ask("GET", place).json
    assert (progress["total"], progress["done"], progress["failed"], progress["items"]) == (10_000, 10_000, 0, [])
    told = inventory.told("price_changed")
    assert [(event["sku"], event["amount"], event["version"]) for event in told] == [
        (sku, 10**9 - number, 2) for number, sku in enumerate(skus)
    ]


def test_a_chunk_that_comes_again_counts_once(inventory):
    inventory.offer("tea")
    place = start(inventory, price("tea"), price("nobody-has-it"))
    inventory.work()
    inventory.work()
    progress = inventory.ask("GET", place).json
    assert (progress["done"], progress["failed"], len(progress["items"])) == (1, 1, 1)
    assert len(inventory.told("price_changed")) == 2


def test_a_bad_line_fails_alone_and_is_reported_by_its_number(inventory):
    inventory.offer("tea")
    inventory.offer("cup")
    lines = [price("tea", 400), price("pot"), price("cup", 250), price("tea", 999), price("pan")]
    place = start(inventory, *lines)
    inventory.work()
    progress = inventory.ask("GET", place).json
    assert (progress["total"], progress["done"], progress["failed"]) == (5, 2, 3)
    assert progress["items"] == [
        {"line": 2, "sku": "pot", "reason": "not in the catalogue"},
        {"line": 4, "sku": "tea", "reason": "line 1 has its price already"},
        {"line": 5, "sku": "pan", "reason": "not in the catalogue"},
    ]
    prices = inventory.ask("GET", "/prices?sku=tea&sku=cup").json["items"]
    assert {each["sku"]: each["amount"] for each in prices} == {"tea": 400, "cup": 250}


def test_failed_lines_come_in_pages(inventory):
    place = start(inventory, *[price(f"unknown-{number}") for number in range(5)])
    inventory.work()
    seen, page = [], inventory.ask("GET", f"{place}?limit=2").json
    while page["next"]:
        seen += page["items"]
        page = inventory.ask("GET", f"{place}?limit=2&after={page['next']}").json
    assert [line["line"] for line in seen + page["items"]] == [1, 2, 3, 4, 5]


def test_malformed_lines_refuse_the_import_and_are_named(inventory):
    lines = [price("tea"), price("Tea"), price("tea", -1), price("tea", 1, "euro"), {**price("tea"), "vat": 19}]
    answer = inventory.ask("POST", "/price-imports", {"prices": lines})
    assert answer.status_code == 422
    wrong = {field.split(".")[1] for field in answer.json["errors"]["json"]}
    assert wrong == {"1", "2", "3", "4"}
    assert inventory.told("price_import_chunk") == []


@pytest.mark.parametrize("number", [0, 10_001])
def test_an_import_has_1_to_10_000_lines(inventory, number):
    assert inventory.ask("POST", "/price-imports", {"prices": [price("t")] * number}).status_code == 422


def test_a_price_that_stays_the_same_is_done_and_is_no_news(inventory):
    inventory.offer("tea", price=EUR)
    place = start(inventory, price("tea", 1))
    inventory.work()
    assert inventory.ask("GET", place).json["done"] == 1
    assert len(inventory.told("price_changed")) == 1


def test_a_report_lists_what_was_low_when_it_was_made(inventory):
    inventory.offer("tea", 2, low_at=2)
    inventory.offer("cup", 9, low_at=2)
    inventory.offer("pot", 0, low_at=0)
    inventory.offer("pan", 0)
    answer = inventory.ask("POST", "/stock-reports")
    place = answer.headers["Location"]
    assert (answer.status_code, answer.json["made_at"]) == (202, None)
    assert inventory.ask("GET", place).json["items"] == []
    inventory.work()
    inventory.work()
    inventory.offer("cup", low_at=9)
    report = inventory.ask("GET", place).json
    assert report["made_at"]
    assert report["items"] == [
        {"sku": "pot", "name": "pot", "available": 0, "low_at": 0},
        {"sku": "tea", "name": "tea", "available": 2, "low_at": 2},
    ]
    first = inventory.ask("GET", f"{place}?limit=1").json
    second = inventory.ask("GET", f"{place}?limit=1&after={first['next']}").json
    assert [line["sku"] for page in (first, second) for line in page["items"]] == ["pot", "tea"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/price-imports"),
        ("GET", f"/price-imports/{UUID(int=1)}"),
        ("POST", "/stock-reports"),
        ("GET", f"/stock-reports/{UUID(int=1)}"),
    ],
)
def test_batches_are_for_clerks(inventory, method, path):
    assert inventory.ask(method, path, headers={}).status_code == 401
    assert inventory.ask(method, path, headers=bearer(permissions=CUSTOMER)).status_code == 403


@pytest.mark.parametrize("path", ["/price-imports", "/stock-reports"])
def test_a_batch_that_nobody_asked_for_is_not_found(inventory, path):
    assert inventory.ask("GET", f"{path}/{uuid4()}").status_code == 404
    assert inventory.ask("GET", f"{path}/no-id").status_code == 404
