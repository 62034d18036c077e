"""The check that goes over all events which a test has heard finds what is wrong with them, and nothing else."""

from uuid import uuid4

import pytest

from labs.services.chassis.events import Event
from tests.services.contracts.heard import never, wrong

ORDER = {"order_id": str(uuid4()), "customer_id": "somebody"}
LINES = [{"sku": "tea", "quantity": 2}]
PLACED = ORDER | {"lines": LINES, "total": {"amount": 700, "currency": "EUR"}}


def placed(**changes) -> Event:
    """An order_placed whose data is changed so; a change to ... takes the field out."""
    data = {name: value for name, value in (PLACED | changes).items() if value is not ...}
    return Event("order-service", "order_placed", data)


def test_what_is_promised_is_right():
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    told = Event("order-service", "order_placed", PLACED, correlation_id="request-1", traceparent=trace)
    assert wrong([told, Event("inventory-service", "stock_reserved", {"order_id": ORDER["order_id"]})]) == []


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (placed(lines=...), "'lines' is a required property"),
        (placed(total={"amount": 700}), "$.data.total: 'currency' is a required property"),
        (placed(lines=[{"sku": "tea", "quantity": "2"}]), "$.data.lines[0].quantity: '2' is not of type 'integer'"),
        (placed(lines=[{"sku": "tea", "quantity": 2, "amount": 350}]), "$.data.lines[0]: Additional properties"),
        (placed(customer_email="tea@example.org"), "Additional properties are not allowed"),
        (placed(order_id="7"), "$.data.order_id: '7' is not a 'uuid'"),
        (Event("orders", "order_placed", PLACED), "$.source: 'order-service' was expected"),
        (Event("order-service", "order_placed", PLACED, time="2026-01-01T10:00:00"), "is not a 'date-time'"),
        (Event("order-service", "order_placed", PLACED, time=""), "is not a 'date-time'"),
        (Event("order-service", "order_placed", PLACED, traceparent="00-1-2-01"), "$.traceparent"),
        (Event("order-service", "order_eaten", ORDER), "order-service told order_eaten, and no contract knows it"),
    ],
)
def test_what_is_not_is_named(event, named):
    said = wrong([event])
    assert len(said) == 1, said
    assert named in said[0]


def test_the_same_wrong_thing_is_said_once():
    assert len(wrong([placed(order_id="7"), placed(order_id="7")])) == 1


def test_what_was_never_told_is_named():
    assert "order_placed" in never([])
    assert "order_placed" not in never([placed()])
