"""What several gateways take and give."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

from labs.services.chassis.shapes import Quantity, Shape, Sku

Reference = Annotated[str, Shape(r"[!-~]{1,64}", "must be 1 to 64 visible ASCII characters")]
"""The shop's own number of an order: the outside world does not know what it means."""


class Line(BaseModel):
    """So many pieces of one product."""

    model_config = ConfigDict(extra="forbid")
    sku: Sku
    quantity: Quantity


class OrderQuery(BaseModel):
    """Of one order, or all."""

    model_config = ConfigDict(extra="forbid")
    order_id: Reference | None = None


class BookQuery(OrderQuery):
    """And of one day of UTC, such as 2026-05-31, or of all."""

    day: date | None = None


def many(model: type[BaseModel]) -> Any:
    """A list of them as the output of a view: APIFlask takes that, and its annotations do not say so."""
    return list[model]  # type: ignore[valid-type]  # a value here, not an annotation


def moment(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def shown(row: Any, model: type[BaseModel]) -> dict[str, Any]:
    """A row of a table as `model` describes it, ready to be JSON."""
    return {name: getattr(row, name) for name in model.model_fields} | {"at": moment(row.at)}
