"""What notification-service tells, one model for each event, from which its JSON Schema is made; and what it needs to know of
the events of others."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field

Id = Annotated[str, Field(min_length=1, max_length=64)]


class NotificationSent(BaseModel):
    """The other side has taken it."""

    order_id: Id
    channel: Annotated[str, Field(description="email, sms or push")]
    notification_id: Id


class NotificationFailed(BaseModel):
    """Nobody tries any more to send it."""

    order_id: Id
    channel: Annotated[str, Field(description="email, sms or push; none, if nobody knew the customer")]
    notification_id: Id
    reason: Annotated[str, Field(description="for people")]


TOLD: Mapping[str, type[BaseModel]] = {
    "notification_sent": NotificationSent,
    "notification_failed": NotificationFailed,
}
"""The model of an event's data by the event's type."""


class Profile(BaseModel):
    """Of user_registered and profile_changed."""

    user_id: Id
    version: int
    name: Annotated[str, Field(max_length=300)]
    email: Annotated[str, Field(max_length=254)]
    phone: Annotated[str, Field(max_length=40)] | None = None
    device_token: Annotated[str, Field(max_length=300)] | None = None
    channels: list[str]


class Line(BaseModel):
    """So many pieces of one product."""

    sku: str
    quantity: int


class OrderNews(BaseModel):
    """Of what became of an order: whose it is, and what there is to say. Which of the rest is there depends on the event."""

    order_id: Id
    customer_id: Id
    reason: str = ""
    tracking_code: str = ""
    amount: int | None = None
    currency: str = ""
    missing: list[Line] = []
