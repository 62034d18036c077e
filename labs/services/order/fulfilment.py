"""Parcels: what the saga asks of the carrier, and what is kept of the answer."""

import time

from labs.services.order import events
from labs.services.order.domain import worth_of
from labs.services.order.provider import Provider
from labs.services.order.saga import Done, Outcome, Refused
from labs.services.order.tables import Order, Shipment


class Fulfilment:
    """Actions of the saga. Never inside a transaction."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def ship(self, order: Order) -> Outcome:
        """Hand the order to the carrier. There is no way back from a parcel that has left; what is missing from it is paid
        back, and if nothing left the order is undone."""
        lines = events.pieces(order)
        answer = self._provider.ask("/shipments", order.id, {"order_id": order.id, "lines": lines})
        if not isinstance(answer, dict):
            return answer
        shipped, missing = answer["shipped"], answer["missing"]
        if worth_of([*shipped, *missing], order.lines) != order.amount:
            raise ValueError(f"the carrier speaks of other pieces: {shipped} shipped, {missing} missing")
        if not shipped:
            return Refused("the carrier found none of it")
        parcel = {"tracking_code": answer["tracking_code"], "missing": missing}
        record = {"order_id": order.id, "shipped": shipped, "shipped_at": time.time(), **parcel}
        return Done(facts=parcel, records=[(Shipment, record)])
