"""Pieces on the shelf: they come, they go, and it is said when there are few."""

import pytest
from sqlalchemy import select

from labs.services.inventory import store
from labs.services.inventory.domain import MOST_PIECES, NotEnough, UnknownProduct
from labs.services.inventory.stores.tables import Adjustment


def test_stock_adds_up(inventory):
    inventory.offer("tea")
    with inventory.db.transaction() as tx:
        assert store.add(tx, "tea", 2) == 2
        assert store.add(tx, "tea", 3) == 5
        assert store.add(tx, "tea", -4) == 1
        assert store.available(tx, "tea") == 1
        assert store.available(tx, "unknown") is None
        assert store.everything(tx) == {"tea": 1}


def test_every_adjustment_is_kept_with_its_reason_and_who_made_it(inventory):
    inventory.offer("tea")
    with inventory.db.transaction() as tx:
        store.add(tx, "tea", 5, "delivery", "clerk-1")
        store.add(tx, "tea", -2, "damage", "clerk-2")
    with inventory.db.reading() as session:
        kept = session.scalars(select(Adjustment).order_by(Adjustment.position)).all()
    assert [(a.sku, a.quantity, a.reason, a.adjusted_by) for a in kept] == [
        ("tea", 5, "delivery", "clerk-1"),
        ("tea", -2, "damage", "clerk-2"),
    ]


def test_stock_falls_to_nothing_and_no_further_and_what_fails_is_not_kept(inventory):
    inventory.offer("tea", 3)
    with pytest.raises(NotEnough, match="tea: 3 available"), inventory.db.transaction() as tx:
        store.add(tx, "tea", -4)
    with inventory.db.transaction() as tx:
        assert store.add(tx, "tea", -3) == 0
    assert inventory.unaccounted() == {"tea": 0}


def test_a_shelf_holds_no_more_than_its_column(inventory):
    inventory.offer("tea", MOST_PIECES)
    with pytest.raises(NotEnough), inventory.db.transaction() as tx:
        store.add(tx, "tea", 1)
    inventory.reserve("o-1", ("tea", 5))
    with inventory.db.transaction() as tx:
        store.add(tx, "tea", 5)
        assert store.release(tx, "o-1", "cancelled")
    assert inventory.stock() == {"tea": MOST_PIECES + 5}, "what was reserved always finds its place again"


def test_stock_of_an_unknown_product_is_refused(inventory):
    with pytest.raises(UnknownProduct, match="'tea'"), inventory.db.transaction() as tx:
        store.add(tx, "tea", 1)


# --- few are left -----------------------------------------------------------------------------------------------------


def low(inventory) -> list[int]:
    """How many pieces were there each time it was said that there are few."""
    return [event["available"] for event in inventory.told("stock_low")]


def test_that_there_are_few_is_told_once_until_there_are_more(inventory):
    inventory.offer("tea", 10, low_at=3)
    for number in range(8):
        inventory.reserve(f"o-{number}", ("tea", 1))
    assert inventory.told("stock_low") == [{"sku": "tea", "available": 3, "low_at": 3}]
    inventory.hear("order_cancelled", "o-0", reason="thought again")
    assert inventory.stock() == {"tea": 3}
    with inventory.db.transaction() as tx:
        store.add(tx, "tea", 2)
        store.add(tx, "tea", -2, "damage")
    assert low(inventory) == [3, 3]


def test_it_is_told_however_far_below_the_mark_the_stock_falls_at_once(inventory):
    inventory.offer("tea", 10, low_at=3)
    inventory.reserve("o-1", ("tea", 10))
    assert low(inventory) == [0]


def test_an_order_that_is_rejected_tells_nothing_of_the_stock_that_it_nearly_took(inventory):
    inventory.offer("cup", 5, low_at=3)
    inventory.offer("tea", 1)
    assert inventory.reserve("o-1", ("cup", 4), ("tea", 2)) == ["tea: 2 wanted, 1 available"]
    assert low(inventory) == []
    assert inventory.reserve("o-2", ("cup", 2)) == []
    assert low(inventory) == [3]


def test_that_a_new_product_has_no_pieces_yet_is_no_news(inventory):
    inventory.offer("tea", low_at=3)
    with inventory.db.transaction() as tx:
        store.add(tx, "tea", 2)
        store.add(tx, "tea", -1)
    assert low(inventory) == []


def test_a_mark_that_moves_above_the_stock_is_news_and_one_that_goes_away_ends_it(inventory):
    inventory.offer("tea", 5, low_at=3)
    inventory.offer("tea", low_at=5)
    inventory.offer("tea", low_at=6)
    assert low(inventory) == [5]
    inventory.offer("tea", low_at=None)
    inventory.offer("tea", low_at=5)
    assert low(inventory) == [5, 5]


def test_a_product_without_a_mark_is_never_low(inventory):
    inventory.offer("tea", 5)
    inventory.reserve("o-1", ("tea", 5))
    assert low(inventory) == []


def test_only_the_first_thousand_products_are_listed_at_once(inventory, monkeypatch):
    monkeypatch.setattr("labs.services.inventory.stores.stock.MOST_LISTED", 2)
    for sku in ("c", "a", "b"):
        inventory.offer(sku)
    assert inventory.stock() == {"a": 0, "b": 0}
