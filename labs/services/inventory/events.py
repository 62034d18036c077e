"""What inventory-service tells: one model for each event, from which its JSON Schema is made."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from labs.services.chassis.shapes import Amount, Currency, Sku

Pieces = Annotated[int, Field(ge=0)]
Version = Annotated[
    int, Field(ge=1, description="counts the prices of one product: a copy takes over only a larger one")
]
Asked = Annotated[UUID, Field(description="what the worker is to do is kept under this id")]


class StockReserved(BaseModel):
    """All that the order needs lies apart for it, until it is paid for or comes to nothing. Said again whenever the order is
    placed again."""

    order_id: UUID


class StockRejected(BaseModel):
    """Something is short, so nothing lies apart for the order."""

    order_id: UUID
    reason: Annotated[str, Field(description="for people: what was wanted and what is there")]


class StockOverdue(BaseModel):
    """What lies apart for the order has waited RESERVATION_SECONDS to be paid for. It stays there until order-service says
    what becomes of the order: nothing, or it is paid for after all."""

    order_id: UUID


class StockReleased(BaseModel):
    """What lay apart for the order is for sale again."""

    order_id: UUID
    reason: Annotated[str, Field(description="that of the order's end")]


class StockLow(BaseModel):
    """Time to order more. Said once, until there is more than `low_at` again."""

    sku: Sku
    available: Pieces
    low_at: Pieces


class PriceChanged(BaseModel):
    """A product costs that from now on; a new product too."""

    sku: Sku
    amount: Amount
    currency: Currency
    version: Version


class ImportLine(BaseModel):
    """A new price; `line` counts from 1 through the whole import."""

    line: Annotated[int, Field(ge=1)]
    sku: Sku
    amount: Amount
    currency: Currency


class PriceImportChunk(BaseModel):
    """A part of a price import waits. The service tells it to itself."""

    import_id: Asked
    lines: Annotated[list[ImportLine], Field(min_length=1)]


class StockReportAsked(BaseModel):
    """A report waits to be made. The service tells it to itself."""

    report_id: Asked


TOLD: Mapping[str, type[BaseModel]] = {
    "stock_reserved": StockReserved,
    "stock_rejected": StockRejected,
    "stock_overdue": StockOverdue,
    "stock_released": StockReleased,
    "stock_low": StockLow,
    "price_changed": PriceChanged,
    "price_import_chunk": PriceImportChunk,
    "stock_report_asked": StockReportAsked,
}
"""The model of an event's data by the event's type."""
