"""HTTP of inventory-service: put stock on the shelf, ask what is there."""

from typing import Annotated, Any

from apiflask import APIFlask
from pydantic import BaseModel, ConfigDict, Field

from labs.services.chassis.api import create_api
from labs.services.chassis.database import Database
from labs.services.chassis.problems import Problem
from labs.services.chassis.settings import Settings, load
from labs.services.chassis.shapes import Shape
from labs.services.inventory import store
from labs.services.inventory.domain import LARGEST

Sku = Annotated[str, Shape(r"[a-z0-9][a-z0-9-]{0,39}", "must be 1 to 40 small letters, digits or hyphens")]
Quantity = Annotated[int, Field(strict=True, gt=0, le=LARGEST)]


class StockIn(BaseModel):
    """Pieces that arrived."""

    model_config = ConfigDict(extra="forbid")
    sku: Sku
    quantity: Quantity


class StockOut(BaseModel):
    """Pieces that can be promised."""

    sku: str
    available: int


def create_app(settings: Settings | None = None) -> APIFlask:
    """The app that gunicorn serves."""
    settings = settings or load(Settings)
    db = Database(settings.database_url)
    app = create_api("inventory-service", settings, db)

    @app.post("/stock")
    @app.input(StockIn)
    @app.output(StockOut, status_code=201)
    def add(json_data: StockIn) -> Any:
        """Register stock: the pieces are added to what is there."""
        with db.transaction() as tx:
            return {"sku": json_data.sku, "available": store.add(tx, json_data.sku, json_data.quantity)}

    @app.get("/stock/<sku>")
    @app.output(StockOut)
    def look(sku: str) -> Any:
        """How many pieces of a product can be promised?"""
        with db.reading() as session:
            available = store.available(session, sku)
        if available is None:
            raise Problem(404, f"no product {sku!r} was ever stocked")
        return {"sku": sku, "available": available}

    @app.get("/stock")
    def look_at_all() -> Any:
        """Available pieces by SKU."""
        with db.reading() as session:
            return store.everything(session)

    return app
