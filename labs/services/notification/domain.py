"""What a customer is told. No I/O, no framework."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """A mail before anybody sends it."""

    subject: str
    body: str


def message(event_type: str, order_id: str, reason: str = "") -> Message:
    """The words for what happened to an order."""
    if event_type == "order_confirmed":
        return Message("Your order is confirmed", f"Everything you ordered is reserved for you. Order {order_id}.")
    return Message("We cannot deliver your order", f"We are sorry: {reason}. Order {order_id}.")
