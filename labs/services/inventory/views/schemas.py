"""What requests to inventory-service and its answers look like."""

from enum import StrEnum
from typing import Annotated, Any

from flask import request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel
from pydantic_core import PydanticCustomError

from labs.services.chassis.paging import PageIn, PageOut
from labs.services.chassis.shapes import Money, Shape, Sku
from labs.services.inventory.domain import LARGEST, MOST_PIECES

MOST_ASKED = 100
"""Products in one question for prices."""
MOST_IMPORTED = 10_000
_VISIBLE = r"[^\x00-\x1f\x7f]"
Name = Annotated[str, Shape(f"{_VISIBLE}{{1,200}}", "must be 1 to 200 characters in one line")]
Description = Annotated[str, Shape(r"[^\x00-\x08\x0b-\x1f\x7f]{0,2000}", "must be a text of at most 2000 characters")]
Search = Annotated[str, Shape(f"{_VISIBLE}{{0,100}}", "must be at most 100 characters in one line")]


class Reason(StrEnum):
    """Why pieces come or go without an order."""

    DELIVERY = "delivery"
    CORRECTION = "correction"
    DAMAGE = "damage"
    RETURN = "return"


class Strict(BaseModel):
    """A request that has what is asked for, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class OfSku(Strict):
    """A product's place."""

    sku: Sku


# --- catalogue --------------------------------------------------------------------------------------------------------


class ProductIn(Strict):
    """All that the catalogue says of a product. `low_at`: at how many pieces it is time to order more."""

    name: Name
    description: Description = ""
    price: Money
    low_at: Annotated[int, Field(strict=True, ge=0, le=MOST_PIECES)] | None = None


class ProductOut(BaseModel):
    """A product, its price, and how many pieces can be promised now."""

    sku: str
    name: str
    description: str
    price: Money
    available: int
    low_at: int | None


class ProductsQuery(PageIn):
    """Which part of the catalogue."""

    search: Search = ""


class ProductsOut(PageOut):
    """A page of the catalogue, in the order of the SKU."""

    items: list[ProductOut]


def _all_of_them(_value: Any) -> list[str]:
    """Of a parameter that is given several times APIFlask passes on the first only."""
    return request.args.getlist("sku")


class PricesQuery(Strict):
    """?sku=…&sku=…"""

    sku: Annotated[list[Sku], Field(min_length=1, max_length=MOST_ASKED), BeforeValidator(_all_of_them)]


class PriceOut(BaseModel):
    """What a product costs, in minor units; a larger `version` is a later price."""

    sku: str
    amount: int
    currency: str
    version: int


class PricesOut(BaseModel):
    """The prices, and the products that are not in the catalogue."""

    items: list[PriceOut]
    unknown: list[str]


class PastPriceOut(PriceOut):
    """What a product has cost since then."""

    since: str


class HistoryOut(PageOut):
    """A page of prices, newest first."""

    items: list[PastPriceOut]


# --- stock ------------------------------------------------------------------------------------------------------------


def _some(quantity: int) -> int:
    if quantity == 0:
        raise PydanticCustomError("some", "must not be 0")
    return quantity


class StockIn(Strict):
    """Pieces that come (or go, if negative)."""

    sku: Sku
    quantity: Annotated[
        int, Field(strict=True, ge=-LARGEST, le=LARGEST, json_schema_extra={"not": {"const": 0}}), AfterValidator(_some)
    ]
    reason: Reason = Reason.DELIVERY


class StockOut(BaseModel):
    """Pieces that can be promised."""

    sku: str
    available: int


class StockBySku(RootModel[dict[str, int]]):
    """Pieces that can be promised, by SKU."""


# --- batches ----------------------------------------------------------------------------------------------------------


class NewPrice(Money):
    """A line of an import."""

    sku: Sku


class ImportIn(Strict):
    """Many new prices at once."""

    prices: Annotated[list[NewPrice], Field(min_length=1, max_length=MOST_IMPORTED)]


class ImportOut(BaseModel):
    """How far it is: of `total` lines so many are done, so many failed; the rest waits."""

    id: str
    total: int
    done: int
    failed: int
    asked_at: str


class FailedLineOut(BaseModel):
    """A line, counted from 1, that changed nothing, and why."""

    line: int
    sku: str
    reason: str


class ImportPageOut(PageOut, ImportOut):
    """How far it is, and a page of its failed lines."""

    items: list[FailedLineOut]


class ReportOut(BaseModel):
    """Of what are there few? The list is empty until `made_at`."""

    id: str
    asked_at: str
    made_at: str | None


class LowProductOut(BaseModel):
    """So many pieces of this product were there, at or below its mark."""

    sku: str
    name: str
    available: int
    low_at: int


class ReportPageOut(PageOut, ReportOut):
    """A page of the report, in the order of the SKU."""

    items: list[LowProductOut]
