"""Whose order is it? What a token permits is one half of the answer, who owns the order the other."""

from labs.services.chassis.auth import Caller
from labs.services.order import store

ALL = "orders:all"


def may_see(caller: Caller, order: store.Order) -> bool:
    """An order is for whoever placed it, and for those who may see all."""
    return order.customer_id == caller.id or caller.may(ALL)


def whose(caller: Caller) -> str | None:
    """The customer whose orders a caller may list; None: everybody's."""
    return None if caller.may(ALL) else caller.id
