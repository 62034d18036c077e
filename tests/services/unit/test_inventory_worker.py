"""The event handlers, without a broker: the service's own, and those that learners write in lab 06."""

import json
import random
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import labs
from labs.services.chassis.events import Event
from labs.services.inventory import worker
from labs.services.inventory.events import TOLD

NOTEBOOK = Path(labs.__path__[0]).parent / "solutions" / "06_events_with_nameko.ipynb"
TEA = [{"sku": "tea", "quantity": 2}]


def learners() -> Any:
    """The worker class of the notebook's own solution."""
    cells = ["".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"]]
    [code] = [cell for cell in cells if cell.startswith("%%service inventory/worker.py")]
    module: dict[str, Any] = {"__name__": "learners"}
    exec(compile(code.partition("\n")[2], "worker.py", "exec"), module)
    return module["InventoryWorker"]


@pytest.fixture(params=["own", "learner's"])
def either(request, inventory):
    """The service with its own worker, and with a learner's."""
    if request.param == "learner's":
        inventory.worker = learners()()
        inventory.worker.db = inventory.db
    return inventory


def placed(order_id: str, quantity: int) -> Event:
    """order-service tells of an order."""
    lines = [{"sku": "tea", "quantity": quantity}]
    return Event("order-service", "order_placed", {"order_id": order_id, "lines": lines})


def test_an_order_within_the_stock_is_reserved_and_one_beyond_it_rejected_with_the_reason(either):
    either.offer("tea", 5)
    either.worker.reserve(placed("small", 2))
    either.worker.reserve(placed("large", 4))
    assert either.told("stock_reserved") == [{"order_id": "small"}]
    assert either.told("stock_rejected") == [{"order_id": "large", "reason": "tea: 4 wanted, 3 available"}]
    assert either.stock() == {"tea": 3}


def test_an_event_that_is_delivered_three_times_counts_once_and_an_order_told_again_is_answered_again(either):
    either.offer("tea", 5)
    event = placed("small", 2)
    for _ in range(3):
        either.worker.reserve(event)
    assert (either.stock(), either.answers("small")) == ({"tea": 3}, ["stock_reserved"])
    either.worker.reserve(placed("small", 2))
    assert (either.stock(), either.answers("small")) == ({"tea": 3}, ["stock_reserved"] * 2)


def test_the_stock_can_be_asked_for_over_the_broker(either):
    either.offer("tea", 5)
    assert either.worker.available("tea") == 5
    assert either.worker.available("unknown") is None


def test_a_handler_that_fails_leaves_nothing_behind(inventory):
    inventory.offer("tea", 5)
    with pytest.raises(TypeError):
        inventory.hear("order_placed", "o-1", lines=[{"quantity": 2}])
    assert (inventory.stock(), inventory.status("o-1")) == ({"tea": 5}, None)


LIVES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "cancelled": [("order_placed", {"lines": TEA}), ("order_cancelled", {"reason": "thought again"})],
    "rejected after the payment": [
        ("order_placed", {"lines": TEA}),
        ("order_paid", {}),
        ("order_rejected", {"reason": "nothing was shipped"}),
    ],
}
"""Orders that come to nothing, by why: what order-service tells of them."""


@pytest.mark.parametrize("life", list(LIVES))
def test_events_in_any_order_and_each_delivered_twice_leave_the_stock_of_an_order_that_came_to_nothing(inventory, life):
    inventory.offer("tea", 50)
    for seed in range(20):
        events = [(event_type, str(uuid4()), data) for event_type, data in LIVES[life]] * 2
        random.Random(seed).shuffle(events)
        for event_type, event_id, data in events:
            inventory.hear(event_type, f"o-{seed}", event_id, **data)
        assert inventory.stock() == {"tea": 50}, [event_type for event_type, _, _ in events]


def test_what_is_told_is_what_the_contract_says(inventory, monkeypatch):
    order_ids = [str(uuid4()) for _ in range(3)]
    inventory.offer("tea", 5, low_at=3)
    inventory.hear("order_placed", order_ids[0], lines=TEA)
    inventory.hear("order_placed", order_ids[1], lines=[{"sku": "tea", "quantity": 9}])
    monkeypatch.setattr(worker, "load", lambda kind: kind(service="inventory-service", reservation_seconds=1e-9))
    inventory.worker.expire()
    inventory.hear("order_cancelled", order_ids[0], reason="thought again")
    inventory.hear("order_paid", order_ids[2])
    inventory.ask("POST", "/price-imports", {"prices": [{"sku": "tea", "amount": 1, "currency": "EUR"}]})
    inventory.ask("POST", "/stock-reports")
    inventory.work()
    for event_type, model in TOLD.items():
        told = inventory.told(event_type)
        assert told, event_type
        for data in told:
            assert model.model_validate_json(json.dumps(data)).model_dump(mode="json") == data
