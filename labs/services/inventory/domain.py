"""The rules of catalogue and stock. No I/O, no framework."""

from dataclasses import dataclass
from enum import StrEnum

LARGEST = 1_000_000
"""Pieces: more than this in one line is a typing error, not an order."""
MOST_PIECES = 1_000_000_000
"""Of one product on the shelf; the columns hold twice as much."""


class Status(StrEnum):
    """Where the reservation of an order is in its life."""

    RESERVED = "reserved"  # waits to be paid for, not for ever
    OVERDUE = "overdue"  # has waited too long: whoever knows the order is asked whether it comes to nothing
    FIRM = "firm"  # paid for: waits as long as it takes
    TAKEN = "taken"  # has left with the carrier
    RELEASED = "released"  # for sale again, because the order came to nothing
    REJECTED = "rejected"  # something was short when it was asked for


KEEPS = (Status.RESERVED, Status.OVERDUE, Status.FIRM)
"""The pieces lie apart, for one order."""


@dataclass(frozen=True)
class Line:
    """So many pieces of one product. Raises ValueError for what is no number of pieces, whoever says it."""

    sku: str
    quantity: int

    def __post_init__(self) -> None:
        if type(self.quantity) is not int or self.quantity < 1:
            raise ValueError(f"{self.sku}: {self.quantity!r} is no number of pieces")


@dataclass(frozen=True)
class Shortage:
    """Why an order cannot be had: too few pieces, or what `reason` says."""

    sku: str
    wanted: int
    available: int
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.sku}: {self.reason or f'{self.wanted} wanted, {self.available} available'}"


class UnknownProduct(LookupError):
    """Nothing with this SKU is in the catalogue."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"no product {sku!r} in the catalogue")


class NotEnough(ValueError):
    """Fewer pieces are there than are to be taken away, or more than the shelf holds would lie there."""


def merged(lines: list[Line]) -> list[Line]:
    """One line per product, in the order of the SKU, so that two reservations always lock rows in the same order."""
    totals: dict[str, int] = {}
    for line in lines:
        totals[line.sku] = totals.get(line.sku, 0) + line.quantity
    return [Line(sku, quantity) for sku, quantity in sorted(totals.items())]


def without(lines: list[Line], missing: list[Line]) -> list[Line]:
    """What is left of merged lines when these pieces are missing; nothing below zero."""
    gone = {line.sku: line.quantity for line in merged(missing)}
    left = {line.sku: line.quantity - gone.get(line.sku, 0) for line in lines}
    return [Line(sku, quantity) for sku, quantity in left.items() if quantity > 0]


def is_low(available: int, low_at: int | None) -> bool:
    """Is it time to order more? Never for a product without a mark."""
    return low_at is not None and available <= low_at
