"""The rules of the business, without anything around them."""

import pytest

from labs.services.inventory.domain import Line, Shortage, merged
from labs.services.notification.domain import message
from labs.services.order.domain import Status, may_become


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("new", list(Status))
def test_only_a_placed_order_can_be_settled(status, new):
    assert may_become(status, new) == (status == Status.PLACED and new in (Status.CONFIRMED, Status.REJECTED))


def test_lines_of_one_product_are_one_line_and_products_always_come_in_the_same_order():
    assert merged([Line("tea", 2), Line("cup", 1), Line("tea", 3)]) == [Line("cup", 1), Line("tea", 5)]
    assert merged([]) == []


def test_a_shortage_says_what_is_missing():
    assert str(Shortage("tea", 5, 2)) == "tea: 5 wanted, 2 available"


def test_a_customer_is_told_what_became_of_the_order_and_why():
    assert message("order_confirmed", "o-1").subject == "Your order is confirmed"
    sorry = message("order_rejected", "o-1", "tea: 5 wanted, 2 available")
    assert sorry.subject == "We cannot deliver your order"
    assert "tea: 5 wanted, 2 available" in sorry.body and "o-1" in sorry.body
