"""What order-service knows of its orders. Functions that change something work in the caller's transaction."""

import time
from uuid import uuid4

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from labs.services.chassis import logs, metrics, traces
from labs.services.chassis.database import Transaction
from labs.services.order import events
from labs.services.order.domain import ENDED, Priced, Status
from labs.services.order.progress import Saga
from labs.services.order.tables import Base, Order

__all__ = ["Base", "Order", "cancel", "get", "give_up", "locked", "lose", "page", "place", "settle"]

SAGA = Saga()
ANSWER_IN = 30.0
"""Seconds that inventory-service has to answer before it is asked again."""
ENDINGS = metrics.counter("orders_ended_total", "Orders by how they ended", ("status",))
_TABLE = Order.__table__
assert isinstance(_TABLE, Table)
_COLUMNS = [column.key for column in _TABLE.columns if column.key != "position"]
_INSERT = insert(
    _TABLE
).inline()  # by the table, not by objects: a unit of work costs more than all statements of a request


def place(tx: Transaction, customer_id: str, priced: Priced, card: str) -> Order:
    """A new order, and the event that asks for its pieces."""
    order = Order(id=str(uuid4()), customer_id=customer_id, card=card, created_at=time.time())
    order.lines, order.amount, order.currency = priced.lines, priced.amount, priced.currency
    order.reason = order.tracking_code = order.error = order.ends_as = ""
    order.missing = []
    order.correlation_id, order.traceparent = logs.correlation_id(), traces.traceparent()
    SAGA.begin(order, order.created_at, due_at=order.created_at + ANSWER_IN)
    tx.connection().execute(_INSERT, {name: getattr(order, name) for name in _COLUMNS})
    tx.tell("order_placed", events.data("order_placed", order))
    return order


def get(session: Session, order_id: str) -> Order | None:
    """None if there is no such order."""
    return session.scalar(select(Order).where(Order.id == order_id))


def locked(tx: Transaction, order_id: str) -> Order | None:
    """The same, and nobody else changes it until this transaction ends."""
    order = select(Order).where(Order.id == order_id).with_for_update()
    return tx.scalar(order.execution_options(populate_existing=True))


def page(
    session: Session, customer_id: str | None, status: Status | None, before: int | None, limit: int
) -> list[Order]:
    """The newest orders of one customer (None: of all), newest first: those before this position."""
    query = select(Order).order_by(Order.position.desc()).limit(limit)
    if customer_id is not None:
        query = query.where(Order.customer_id == customer_id)
    if status is not None:
        query = query.where(Order.status == status)
    if before is not None:
        query = query.where(Order.position < before)
    return list(session.scalars(query))


def settle(tx: Transaction, order_id: str, status: Status, reason: str = "") -> Order | None:
    """Confirm or reject an order that waits for its pieces. Returns the order if that changed it, None if it waits no more."""
    order = locked(tx, order_id)
    if order is None or not SAGA.settle(order, status, reason, time.time()):
        return None
    if status in ENDED:
        ENDINGS.labels(status).inc()
    return order


def cancel(order: Order) -> bool:
    """The customer of this locked order thinks again. False if that is too late: it ends, or its parcel may be on its way."""
    if order.status == Status.UNDOING:
        return order.ends_as == Status.CANCELLED
    return SAGA.abandon(order, "cancelled by the customer", Status.CANCELLED, time.time())


def lose(tx: Transaction, order_id: str, reason: str) -> None:
    """The pieces are not there. Too late for an order whose parcel may be on its way."""
    if order := locked(tx, order_id):
        SAGA.abandon(order, reason, Status.REJECTED, time.time())


def give_up(tx: Transaction, order_id: str) -> None:
    """The pieces wait no longer to be paid for. Of an order that is paid for, inventory-service has heard or will."""
    order = locked(tx, order_id)
    if order and order.status in (Status.PLACED, Status.CONFIRMED):
        SAGA.abandon(order, "the payment took too long", Status.REJECTED, time.time())
