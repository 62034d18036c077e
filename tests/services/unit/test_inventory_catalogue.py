"""What the shop sells: products, their prices now and before, how they are found."""

import pytest

from labs.services.chassis.shapes import Money
from labs.services.inventory import store
from labs.services.inventory.domain import UnknownProduct
from labs.services.inventory.stores.catalogue import Entry

CHEAP, DEAR = Money(amount=350, currency="EUR"), Money(amount=420, currency="EUR")


def put(inventory, sku: str, price: Money = CHEAP, by: str = "clerk-1", **entry: str) -> bool:
    """True if it is new."""
    said = Entry(**{"name": sku, "description": "", **entry}, price=price)
    with inventory.db.transaction() as tx:
        return store.catalogue.put(tx, sku, said, by)


def found(inventory, search: str, after: str = "", limit: int = 100) -> list[str]:
    """The SKUs of the products found."""
    with inventory.db.reading() as session:
        return [product.sku for product in store.catalogue.products(session, search, after, limit)]


def test_a_product_is_put_once_and_then_changed(inventory):
    assert put(inventory, "tea", name="Green tea", description="Loose") is True
    assert put(inventory, "tea", name="Black tea") is False
    with inventory.db.reading() as session:
        product = store.catalogue.product(session, "tea")
    assert product._asdict() == {
        "sku": "tea",
        "name": "Black tea",
        "description": "",
        "amount": 350,
        "currency": "EUR",
        "available": 0,
        "low_at": None,
    }


def test_changing_a_product_leaves_its_stock_alone(inventory):
    put(inventory, "tea")
    with inventory.db.transaction() as tx:
        store.add(tx, "tea", 5)
    put(inventory, "tea", DEAR, name="Tea")
    assert inventory.stock() == {"tea": 5}


def test_every_price_is_kept_with_who_said_so_and_told_with_its_version(inventory):
    put(inventory, "tea", CHEAP, "clerk-1")
    put(inventory, "tea", DEAR, "clerk-2")
    put(inventory, "tea", CHEAP, "clerk-3")
    with inventory.db.reading() as session:
        history = store.catalogue.history(session, "tea", 100, 100)
    assert [(p.version, p.amount, p.currency, p.changed_by) for p in history] == [
        (3, 350, "EUR", "clerk-3"),
        (2, 420, "EUR", "clerk-2"),
        (1, 350, "EUR", "clerk-1"),
    ]
    assert history[0].since >= history[1].since >= history[2].since
    assert inventory.told("price_changed") == [
        {"sku": "tea", "amount": amount, "currency": "EUR", "version": version}
        for version, amount in enumerate((350, 420, 350), 1)
    ]


def test_what_costs_the_same_has_no_new_price(inventory):
    put(inventory, "tea", CHEAP)
    put(inventory, "tea", CHEAP, name="Another name")
    assert len(inventory.told("price_changed")) == 1
    put(inventory, "tea", Money(amount=350, currency="USD"))
    assert [event["version"] for event in inventory.told("price_changed")] == [1, 2]


def test_what_costs_nothing_has_a_price(inventory):
    put(inventory, "tea", Money(amount=0, currency="EUR"))
    assert [event["amount"] for event in inventory.told("price_changed")] == [0]


def test_the_history_of_an_unknown_product_is_not_empty_but_unknown(inventory):
    with pytest.raises(UnknownProduct), inventory.db.reading() as session:
        store.catalogue.history(session, "tea", 100, 100)


# --- search, on each kind of database ---------------------------------------------------------------------------------


SEARCHES = {
    "": ["50-percent", "gross", "gruen", "under-score"],
    "TEA": ["50-percent", "gruen"],
    "GRÜNER": ["gruen"],
    "GROSSE": ["gross"],
    "groß": ["gross"],
    "%": ["50-percent"],
    "50%": ["50-percent"],
    "_": ["under-score"],
    "a_b": ["under-score"],
    "a%b": [],
    "/": ["gross"],
    "\\": ["under-score"],
    "under-sc": ["under-score"],
    "'; DROP TABLE products; --": [],
}
"""Which products each finds."""


def test_a_search_finds_what_it_says_large_or_small_and_is_no_pattern(inventory_on_each):
    put(inventory_on_each, "50-percent", name="50% off", description="Tea, loose leaf")
    put(inventory_on_each, "gruen", name="Grüner Tee", description="green TEA")
    put(inventory_on_each, "gross", name="Große Kanne", description="Porcelain/glass")
    put(inventory_on_each, "under-score", name="a_b", description="back\\slash")
    assert {search: found(inventory_on_each, search) for search in SEARCHES} == SEARCHES


# --- pages ------------------------------------------------------------------------------------------------------------


def test_pages_show_every_product_once_though_others_come_meanwhile(inventory):
    for sku in ("b", "d", "f", "h"):
        put(inventory, sku)
    first = found(inventory, "", limit=2)
    put(inventory, "a")
    put(inventory, "e")
    second = found(inventory, "", after=first[-1], limit=2)
    put(inventory, "c")
    third = found(inventory, "", after=second[-1], limit=2)
    assert (first, second, third) == (["b", "d"], ["e", "f"], ["h"])


def test_pages_of_a_history_are_not_shifted_by_a_new_price(inventory):
    for amount in (1, 2, 3, 4):
        put(inventory, "tea", Money(amount=amount, currency="EUR"))
    with inventory.db.reading() as session:
        first = [p.version for p in store.catalogue.history(session, "tea", 100, 2)]
    put(inventory, "tea", Money(amount=5, currency="EUR"))
    with inventory.db.reading() as session:
        second = [p.version for p in store.catalogue.history(session, "tea", first[-1], 2)]
    assert (first, second) == ([4, 3], [2, 1])
