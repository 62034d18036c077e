"""What customers read: for each event, by channel. `{words}` are those of domain.words()."""

from typing import NamedTuple

CONFIRMED, PAID, FULFILLED = "order_confirmed", "order_paid", "order_fulfilled"
REJECTED, CANCELLED = "order_rejected", "order_cancelled"


class Template(NamedTuple):
    """A mail has a subject and a body, a push notification a title and a text; a text message has the short text alone."""

    subject: str
    body: str
    short: str


TEMPLATES = {
    CONFIRMED: Template(
        "Your order is confirmed",
        "Hello {name},\n\nEverything you ordered is reserved for you. Order {order_id}.",
        "Your order {order_id} is confirmed.",
    ),
    PAID: Template(
        "We received your payment",
        "Hello {name},\n\nThis is your receipt: {total} for order {order_id}. Thank you.",
        "We received {total} for order {order_id}.",
    ),
    FULFILLED: Template(
        "Your order is on its way",
        "Hello {name},\n\nYour parcel left us. Its tracking code is {tracking_code}. Order {order_id}.{missing}",
        "Order {order_id} is on its way: {tracking_code}.{missing}",
    ),
    REJECTED: Template(
        "We cannot deliver your order",
        "Hello {name},\n\nWe are sorry: {reason}. Order {order_id}.",
        "We cannot deliver order {order_id}: {reason}.",
    ),
    CANCELLED: Template(
        "Your order is cancelled",
        "Hello {name},\n\nYour order {order_id} is cancelled: {reason}. What you paid goes back to your card.",
        "Order {order_id} is cancelled: {reason}.",
    ),
}
"""By type of event."""
MISSING = " Not in it, and not charged: {lines}."
"""Added where the carrier did not find everything."""
