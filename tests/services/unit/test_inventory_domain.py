"""The rules of the stock, without anything around them."""

import pytest

from labs.services.inventory.domain import Line, Shortage, is_low, merged, without


def test_lines_of_one_product_are_one_line_and_products_always_come_in_the_same_order():
    assert merged([Line("tea", 2), Line("cup", 1), Line("tea", 3)]) == [Line("cup", 1), Line("tea", 5)]
    assert merged([]) == []


def test_a_shortage_says_what_is_missing():
    assert str(Shortage("tea", 5, 2)) == "tea: 5 wanted, 2 available"
    assert str(Shortage("tea", 5, 0, "reservation expired")) == "tea: reservation expired"


def test_what_is_missing_is_taken_off_and_no_line_falls_below_nothing():
    lines = [Line("cup", 1), Line("pot", 2), Line("tea", 5)]
    missing = [Line("tea", 2), Line("tea", 1), Line("cup", 3), Line("unknown", 1)]
    assert without(lines, missing) == [Line("pot", 2), Line("tea", 2)]


@pytest.mark.parametrize(
    ("available", "low_at", "low"), [(5, None, False), (0, None, False), (6, 5, False), (5, 5, True), (0, 0, True)]
)
def test_stock_is_low_at_its_mark_and_below(available, low_at, low):
    assert is_low(available, low_at) == low
