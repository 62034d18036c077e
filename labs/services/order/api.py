"""HTTP of order-service: place an order, ask what became of it."""

from typing import Annotated, Any

from apiflask import APIFlask
from pydantic import BaseModel, ConfigDict, Field

from labs.services.chassis.api import create_api
from labs.services.chassis.database import Database
from labs.services.chassis.problems import Problem
from labs.services.chassis.settings import Settings, load
from labs.services.chassis.shapes import EMAIL, Shape
from labs.services.order import store
from labs.services.order.limits import LARGEST_QUANTITY, MOST_LINES

Sku = Annotated[str, Shape(r"[a-z0-9][a-z0-9-]{0,39}", "must be 1 to 40 small letters, digits or hyphens")]
Email = Annotated[str, EMAIL]


class LineIn(BaseModel):
    """So many pieces of one product."""

    model_config = ConfigDict(extra="forbid")
    sku: Sku
    quantity: Annotated[int, Field(strict=True, gt=0, le=LARGEST_QUANTITY)]


class OrderIn(BaseModel):
    """What a customer sends."""

    model_config = ConfigDict(extra="forbid")
    customer_email: Email
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MOST_LINES)]


class OrderOut(BaseModel):
    """What became of it; `reason` says why an order was rejected."""

    id: str
    status: str
    reason: str
    customer_email: str
    lines: list[dict[str, Any]]


def create_app(settings: Settings | None = None) -> APIFlask:
    """The app that gunicorn serves."""
    settings = settings or load(Settings)
    db = Database(settings.database_url)
    app = create_api("order-service", settings, db)

    @app.post("/orders")
    @app.input(OrderIn)
    @app.output(OrderOut, status_code=202)
    def place(json_data: OrderIn) -> Any:
        """Accepted once the order and its event are committed together; nobody else is asked."""
        lines = [line.model_dump() for line in json_data.lines]
        with db.transaction() as tx:
            order = store.place(tx, json_data.customer_email, lines)
            tx.tell("order_placed", {"order_id": order.id, "lines": lines})
        return _out(order), 202, {"Location": f"/orders/{order.id}"}

    @app.get("/orders/<order_id>")
    @app.output(OrderOut)
    def look(order_id: str) -> Any:
        """What became of an order?"""
        with db.reading() as session:
            order = store.get(session, order_id)
        if order is None:
            raise Problem(404, f"no order {order_id!r}")
        return _out(order)

    @app.get("/orders")
    def look_at_all() -> Any:
        """The newest 1,000 orders."""
        with db.reading() as session:
            return [_out(order) for order in store.latest(session, 1000)]

    return app


def _out(order: store.Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in OrderOut.model_fields}
