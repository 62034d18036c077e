"""What an order may become, and what it costs."""

import pytest

from labs.services.order.domain import (
    ENDED,
    MOST_MONEY,
    CannotBeSold,
    Price,
    Status,
    may_become,
    priced,
    worth,
    worth_of,
)

PRICES = {"tea": Price(350, "EUR", 1), "cup": Price(900, "EUR", 1), "pin": Price(100, "USD", 1)}


@pytest.mark.parametrize("status", sorted(ENDED))
@pytest.mark.parametrize("new", list(Status))
def test_an_order_that_has_ended_stays_as_it_is(status, new):
    assert not may_become(status, new)


@pytest.mark.parametrize("new", list(Status))
def test_an_order_that_waits_for_its_pieces_is_confirmed_or_comes_to_nothing(new):
    assert may_become(Status.PLACED, new) == (new in (Status.CONFIRMED, Status.REJECTED, Status.UNDOING))


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.PAID])
def test_what_is_under_way_comes_to_nothing_only_after_it_is_undone(status):
    assert may_become(status, Status.UNDOING)
    assert not may_become(status, Status.REJECTED)
    assert not may_become(status, Status.CANCELLED)
    assert not may_become(Status.UNDOING, status)


def test_lines_keep_the_price_that_they_were_ordered_for():
    order = priced([("tea", 2), ("cup", 1), ("tea", 1)], PRICES)
    assert order.lines[0] == {"sku": "tea", "quantity": 2, "amount": 350, "currency": "EUR"}
    assert (order.amount, order.currency) == (3 * 350 + 900, "EUR")
    assert worth(order.lines) == order.amount


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([("tea", 1), ("moon", 1)], "no product 'moon'"),
        ([("tea", 1), ("pin", 1)], "EUR and USD"),
        ([("cup", MOST_MONEY // 900 + 1)], "the most is"),
    ],
)
def test_what_the_shop_cannot_sell_is_refused_in_words(wanted, words):
    with pytest.raises(CannotBeSold, match=words):
        priced(wanted, PRICES)


def test_the_most_expensive_order_is_one_that_can_still_be_paid():
    assert priced([("pin", MOST_MONEY // 100)], PRICES).amount == MOST_MONEY


def test_a_part_of_an_order_is_worth_what_its_pieces_cost():
    lines = priced([("tea", 2), ("cup", 1), ("tea", 1)], PRICES).lines
    assert worth_of([{"sku": "tea", "quantity": 3}], lines) == 1050
    assert worth_of([], lines) == 0


@pytest.mark.parametrize("some", [[{"sku": "tea", "quantity": 4}], [{"sku": "pin", "quantity": 1}]])
def test_no_part_of_an_order_is_larger_than_it(some):
    with pytest.raises(ValueError, match="fewer pieces"):
        worth_of(some, priced([("tea", 3)], PRICES).lines)
