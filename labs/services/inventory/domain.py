"""The rules of stock. No I/O, no framework."""

from dataclasses import dataclass

LARGEST = 1_000_000
"""Pieces: more than this in one line is a typing error, not an order."""


@dataclass(frozen=True)
class Line:
    """So many pieces of one product."""

    sku: str
    quantity: int


@dataclass(frozen=True)
class Shortage:
    """Why an order cannot be had."""

    sku: str
    wanted: int
    available: int

    def __str__(self) -> str:
        return f"{self.sku}: {self.wanted} wanted, {self.available} available"


def merged(lines: list[Line]) -> list[Line]:
    """One line per product, in the order of the SKU, so that two reservations always lock rows in the same order."""
    totals: dict[str, int] = {}
    for line in lines:
        totals[line.sku] = totals.get(line.sku, 0) + line.quantity
    return [Line(sku, quantity) for sku, quantity in sorted(totals.items())]
