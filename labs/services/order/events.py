"""What order-service tells of an order: one model for each event, from which its fields and its JSON Schema are made."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from labs.services.chassis.shapes import Amount, Currency, Money, Quantity, Sku
from labs.services.order.tables import Order


class Line(BaseModel):
    """So many pieces of one product."""

    sku: Sku
    quantity: Quantity


class OrderEvent(BaseModel):
    """What every event of an order says."""

    order_id: UUID
    customer_id: Annotated[str, Field(description="the `sub` of the token that placed the order")]


class OrderPlaced(OrderEvent):
    """Somebody wants to buy this. Told again if nobody says whether the pieces are there."""

    lines: Annotated[list[Line], Field(min_length=1)]
    total: Money


class OrderConfirmed(OrderEvent):
    """Its pieces are reserved."""


class OrderPaid(OrderEvent):
    """The card was charged with this."""

    amount: Amount
    currency: Currency


class OrderFulfilled(OrderEvent):
    """The parcel has left; `missing` is what the carrier did not find of `lines`, and it was refunded."""

    tracking_code: str
    lines: Annotated[list[Line], Field(min_length=1)]
    missing: list[Line]


class OrderRejected(OrderEvent):
    """The shop cannot deliver; everything is undone, and what was charged is refunded."""

    reason: Annotated[str, Field(description="for people")]


class OrderCancelled(OrderEvent):
    """The customer has thought again; everything is undone, and what was charged is refunded."""

    reason: Annotated[str, Field(description="for people")]


class SettlementAsked(BaseModel):
    """The books of a day are to be compared. The service tells it to itself."""

    day: date


TOLD: Mapping[str, type[BaseModel]] = {
    "order_placed": OrderPlaced,
    "order_confirmed": OrderConfirmed,
    "order_paid": OrderPaid,
    "order_fulfilled": OrderFulfilled,
    "order_rejected": OrderRejected,
    "order_cancelled": OrderCancelled,
    "settlement_asked": SettlementAsked,
}
"""The model of an event's data by the event's type."""


def data(event_type: str, order: Order) -> dict[str, Any]:
    """The data of an event about this order."""
    return {name: _field(order, name) for name in TOLD[event_type].model_fields}


def pieces(order: Order) -> list[dict[str, Any]]:
    """The lines without their prices: what stock and carrier need to know."""
    return [{"sku": line["sku"], "quantity": line["quantity"]} for line in order.lines]


def _field(order: Order, name: str) -> Any:
    if name == "order_id":
        return order.id
    if name == "lines":
        return pieces(order)
    return {"amount": order.amount, "currency": order.currency} if name == "total" else getattr(order, name)
