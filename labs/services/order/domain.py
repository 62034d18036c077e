"""The rules of an order. No I/O, no framework."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MOST_MONEY = 10**9
"""Minor units of a currency: an order of more than ten million euros is a typing error."""
CURRENCY = re.compile("[A-Z]{3}")
"""As in ISO 4217."""


class Status(StrEnum):
    """Where an order is in its life."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    PAID = "paid"
    FULFILLED = "fulfilled"
    UNDOING = "undoing"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


ENDED = frozenset({Status.FULFILLED, Status.REJECTED, Status.CANCELLED})
"""Nothing changes an order any more that is one of these."""
LATER: Mapping[Status, frozenset[Status]] = {
    Status.PLACED: frozenset({Status.CONFIRMED, Status.REJECTED, Status.UNDOING}),
    Status.CONFIRMED: frozenset({Status.PAID, Status.UNDOING}),
    Status.PAID: frozenset({Status.FULFILLED, Status.UNDOING}),
    Status.UNDOING: frozenset({Status.REJECTED, Status.CANCELLED}),
}
"""What an order may become next."""


def may_become(status: Status, new: Status) -> bool:
    """An order goes one way only: whoever is late changes nothing."""
    return new in LATER.get(status, ())


class CannotBeSold(ValueError):
    """These lines make no order; the message says why."""


@dataclass(frozen=True)
class Price:
    """Of one piece, in minor units (cents) of a currency; a newer version replaces an older one. Raises ValueError for what is
    no price, whoever says it."""

    amount: int
    currency: str
    version: int

    def __post_init__(self) -> None:
        if type(self.amount) is not int or type(self.version) is not int or self.amount < 0 or self.version < 1:
            raise ValueError(f"{self.amount!r} in version {self.version!r} is no price")
        if not (isinstance(self.currency, str) and CURRENCY.fullmatch(self.currency)):
            raise ValueError(f"{self.currency!r} is no currency")


@dataclass(frozen=True)
class Priced:
    """The lines of an order with the shop's own prices, and what they come to."""

    lines: list[dict[str, Any]]
    amount: int
    currency: str


def priced(wanted: Iterable[tuple[str, int]], prices: Mapping[str, Price]) -> Priced:
    """`wanted` are (sku, quantity). Raises CannotBeSold for a product without a price, two currencies, or too much money."""
    lines: list[dict[str, Any]] = []
    for sku, quantity in wanted:
        if (price := prices.get(sku)) is None:
            raise CannotBeSold(f"there is no product {sku!r}")
        lines.append({"sku": sku, "quantity": quantity, "amount": price.amount, "currency": price.currency})
    currencies = sorted({line["currency"] for line in lines})
    if len(currencies) > 1:
        raise CannotBeSold(f"one order is paid in one currency; these products cost {' and '.join(currencies)}")
    amount = worth(lines)
    if amount > MOST_MONEY:
        raise CannotBeSold(f"the order comes to {amount} {currencies[0]} cents; the most is {MOST_MONEY}")
    return Priced(lines, amount, currencies[0])


def worth(lines: Iterable[Mapping[str, Any]]) -> int:
    """What priced lines come to, in minor units."""
    return sum(int(line["amount"]) * int(line["quantity"]) for line in lines)


def worth_of(some: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]]) -> int:
    """What some pieces of an order cost, in minor units: {sku, quantity} each. Raises ValueError if it has not that many."""
    cost = {line["sku"]: int(line["amount"]) for line in lines}
    left = Counter[str]()
    for line in lines:
        left[line["sku"]] += line["quantity"]
    for each in some:
        left[each["sku"]] -= each["quantity"]
    if any(quantity < 0 for quantity in left.values()):
        raise ValueError(f"the order has fewer pieces than {list(some)}")
    return sum(cost[each["sku"]] * int(each["quantity"]) for each in some)
