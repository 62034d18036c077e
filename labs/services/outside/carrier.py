"""A carrier over HTTP: fetches what an order needs from the warehouse, says what it did not find there, and is on its way."""

import time
from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from labs.services.chassis import idempotency
from labs.services.chassis.database import Database, Transaction
from labs.services.chassis.idempotency import Answer
from labs.services.outside import once
from labs.services.outside.faults import MISSES_A_LINE, SHIPS_NOTHING
from labs.services.outside.key import Key
from labs.services.outside.shapes import Line, OrderQuery, Reference, many, shown
from labs.services.outside.store import Shipment
from labs.services.outside.striking import effect


class ShipmentIn(BaseModel):
    """What to fetch and carry."""

    model_config = ConfigDict(extra="forbid")
    order_id: Reference
    lines: Annotated[list[Line], Field(min_length=1, max_length=1000)]


class ShipmentOut(BaseModel):
    """A parcel. `missing` was not found; if nothing is `shipped` there is no parcel, and `tracking_code` is empty."""

    tracking_code: str
    order_id: str
    shipped: list[Line]
    missing: list[Line]
    at: datetime


def blueprint(db: Database, key: Key) -> APIBlueprint:
    """Faults find it by its name."""
    carrier = APIBlueprint("carrier", __name__, url_prefix="/carrier")

    @carrier.post("/shipments")
    @key.needed
    @idempotency.keyed
    @carrier.input(ShipmentIn)
    @carrier.output(ShipmentOut, status_code=201)
    def ship(idempotency_key: str, json_data: ShipmentIn) -> Any:
        """Carry it off, once for each Idempotency-Key."""

        def carry(tx: Transaction) -> Answer:
            lines = [line.model_dump() for line in json_data.lines]
            found = _found(len(lines))
            code = f"TRACK-{uuid4().hex[:16].upper()}" if found else ""
            parcel = Shipment(tracking_code=code, order_id=json_data.order_id, at=time.time())
            parcel.shipped, parcel.missing = lines[:found], lines[found:]
            tx.add(parcel)
            return Answer(201, shown(parcel, ShipmentOut))

        return once.answer(db, "carrier/shipments", idempotency_key, json_data, carry)

    @carrier.get("/shipments")
    @key.needed
    @carrier.input(OrderQuery, location="query")
    @carrier.output(many(ShipmentOut))
    def shipments(query_data: OrderQuery) -> Any:
        """All that was carried, oldest first."""
        query = select(Shipment).filter_by(**query_data.model_dump(exclude_none=True)).order_by(Shipment.position)
        with db.reading() as session:
            return [shown(parcel, ShipmentOut) for parcel in session.scalars(query)]

    return carrier


def _found(lines: int) -> int:
    """How many of so many lines, from the first on."""
    if SHIPS_NOTHING in effect().twists:
        return 0
    return lines - 1 if MISSES_A_LINE in effect().twists else lines
