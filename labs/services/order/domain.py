"""The rules of an order. No I/O, no framework."""

from enum import StrEnum


class Status(StrEnum):
    """Where an order is in its life."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


def may_become(status: Status, new: Status) -> bool:
    """Only an order that still waits can be confirmed or rejected: whoever is late changes nothing."""
    return status == Status.PLACED and new in (Status.CONFIRMED, Status.REJECTED)
