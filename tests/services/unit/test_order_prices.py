"""What an order costs: the read model is the truth here, inventory-service is asked only for what is new."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests

from labs.services.chassis.client import Unreachable
from labs.services.chassis.database import Database
from labs.services.order import prices
from labs.services.order.domain import Price
from labs.services.order.prices import ReadModel
from tests.services.unit.order_stand import order_database


@dataclass
class Inventory:
    """Answers GET /prices, or not."""

    knows: dict[str, Price]
    asked: list[list[str]] = field(default_factory=list)
    status: int = 200
    name: str = "inventory-service"

    def get(self, path, params):
        assert path == "/prices"
        self.asked.append(params["sku"])
        if self.status >= 500:
            raise Unreachable(self.name, "it answered 500", maybe_done=False)
        answer = requests.Response()
        answer.status_code = self.status
        found = {sku: self.knows[sku] for sku in params["sku"] if sku in self.knows}
        answer.json = lambda: {"items": [{"sku": sku, **vars(price)} for sku, price in found.items()], "unknown": []}
        return answer


@pytest.fixture
def db(database_url) -> Iterator[Database]:
    with order_database(database_url) as fresh:
        yield fresh


def keep(db, sku, *price):
    with db.transaction() as tx:
        prices.keep(tx, sku, Price(*price))


def test_the_newest_price_wins_in_whatever_order_they_come(db):
    for version in (2, 3, 1):
        keep(db, "tea", 100 * version, "EUR", version)
    assert ReadModel(db, Inventory({})).of(["tea"]) == {"tea": Price(300, "EUR", 3)}


def test_unknown_products_are_asked_for_in_one_question_and_known_from_then_on(db):
    keep(db, "tea", 350, "EUR", 1)
    inventory = Inventory({"cup": Price(900, "EUR", 4), "pot": Price(50, "EUR", 1)})
    found = ReadModel(db, inventory).of(["tea", "cup", "pot", "cup", "moon"])
    assert found == {"tea": Price(350, "EUR", 1), "cup": Price(900, "EUR", 4), "pot": Price(50, "EUR", 1)}
    assert inventory.asked == [["cup", "pot", "moon"]]

    another_process = ReadModel(db, inventory)
    assert another_process.of(["cup", "pot"]) == {"cup": Price(900, "EUR", 4), "pot": Price(50, "EUR", 1)}
    assert len(inventory.asked) == 1


def test_an_answer_that_is_older_than_what_was_told_does_not_replace_it(db):
    keep(db, "tea", 400, "EUR", 5)
    model = ReadModel(db, Inventory({"tea": Price(350, "EUR", 4)}))
    model._ask(["tea"])
    assert ReadModel(db, Inventory({})).of(["tea"])["tea"].amount == 400


def test_a_process_does_not_ask_its_database_for_every_order_but_hears_of_changes_in_time(db, monkeypatch):
    keep(db, "tea", 350, "EUR", 1)
    model = ReadModel(db, Inventory({}))
    assert model.of(["tea"])["tea"].amount == 350
    keep(db, "tea", 400, "EUR", 2)
    assert model.of(["tea"])["tea"].amount == 350
    later = time.monotonic() + prices.MAX_AGE
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert model.of(["tea"])["tea"].amount == 400


@pytest.mark.parametrize("status", [400, 500])
def test_what_cannot_be_asked_is_not_made_up(db, status):
    keep(db, "tea", 350, "EUR", 1)
    model = ReadModel(db, Inventory({}, status=status))
    with pytest.raises(Unreachable):
        model.of(["tea", "cup"])
    assert model.of(["tea"])["tea"].amount == 350


def test_what_is_remembered_has_an_end(db, monkeypatch):
    monkeypatch.setattr(prices, "REMEMBERED", 3)
    model = ReadModel(db, Inventory({f"sku-{n}": Price(n, "EUR", 1) for n in range(10)}))
    for number in range(10):
        assert model.of([f"sku-{number}"])[f"sku-{number}"].amount == number
        assert len(model._remembered) <= 3
