"""What requests to order-service and its answers look like."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from labs.services.chassis.paging import PageIn, PageOut
from labs.services.chassis.shapes import Money, Shape, Sku
from labs.services.order.domain import Status
from labs.services.order.limits import LARGEST_QUANTITY, MOST_LINES

Card = Annotated[
    str,
    Shape(r"card-[a-z0-9-]{1,60}", "must be a token of the payment provider such as card-ok, never a card's number"),
]
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _as_written(day: Any) -> Any:
    """pydantic would take a number of seconds for a day too."""
    if not isinstance(day, str) or not DAY.fullmatch(day):
        raise ValueError("must be a day such as 2026-05-31")
    return day


class LineIn(BaseModel):
    """So many pieces of one product."""

    model_config = ConfigDict(extra="forbid")
    sku: Sku
    quantity: Annotated[int, Field(strict=True, gt=0, le=LARGEST_QUANTITY)]


class OrderIn(BaseModel):
    """What a customer wants. The shop knows its prices itself."""

    model_config = ConfigDict(extra="forbid")
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MOST_LINES)]
    card: Card = "card-ok"


class OrdersQuery(PageIn):
    """Which part of the orders, or of those in one state."""

    status: Status | None = None


class LineOut(BaseModel):
    """So many pieces of one product, and what one of them costs in minor units of the currency."""

    sku: str
    quantity: int
    amount: int
    currency: str


class MissingOut(BaseModel):
    """Pieces that the carrier did not find; what they cost is paid back."""

    sku: str
    quantity: int


class OrderOut(BaseModel):
    """What became of an order; `reason` says why it was rejected or cancelled, or is being undone."""

    id: str
    status: Status
    reason: str
    customer_id: str
    lines: list[LineOut]
    total: Money
    tracking_code: str
    missing: list[MissingOut]
    created_at: datetime


class OrdersOut(PageOut):
    """A page of orders, newest first."""

    items: list[OrderOut]


class SettlementIn(BaseModel):
    """A day of UTC."""

    model_config = ConfigDict(extra="forbid")
    day: Annotated[date, BeforeValidator(_as_written)]


class DifferenceOut(BaseModel):
    """What the two books say of an order, in minor units; 0 where there is no entry."""

    kind: str
    order_id: str
    ours: int
    theirs: int


class SettlementOut(BaseModel):
    """One day's charges and refunds, our own book against the provider's. `compared` entries, once `status` is done;
    `differences` are the first thousand of the `different` ones."""

    day: date
    status: str
    compared: int
    different: int
    differences: list[DifferenceOut]
    asked_at: datetime
    done_at: datetime | None
