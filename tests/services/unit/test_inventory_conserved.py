"""Whatever comes, in whatever order and however often: every piece is on the shelf, with an order, or gone with a parcel, and
the shelf holds what a simple model of it says."""

import time
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete

import tests.unhurried  # noqa: F401  no clock
from labs.services.chassis.inbox import inbox
from labs.services.chassis.outbox import outbox
from labs.services.inventory import store
from labs.services.inventory.domain import KEEPS, NotEnough
from tests.services.unit.inventory_stand import Inventory

SKUS = ("cup", "pot", "tea")
ORDERS = st.sampled_from(("o-1", "o-2", "o-3"))
LINES = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), min_size=1)
LOW_AT, AT_FIRST = 4, 10
ALL = list(HealthCheck)


@dataclass
class Order:
    """What the model knows of one order: is it `new`, and what does it hold, if it `keeps` that?"""

    status: str = "new"
    holds: dict[str, int] = field(default_factory=dict)


class Shelf(RuleBasedStateMachine):
    """The service beside its model."""

    service: Inventory

    @initialize()
    def begin(self) -> None:
        """An empty shop."""
        with self.service.db.transaction() as tx:
            for table in (outbox, inbox, *reversed(store.Base.metadata.sorted_tables)):
                tx.execute(delete(table))
        self.available = dict.fromkeys(SKUS, AT_FIRST)
        self.low = dict.fromkeys(SKUS, False)
        self.falls = dict.fromkeys(SKUS, 0)
        self.orders: dict[str, Order] = {}
        for sku in SKUS:
            self.service.offer(sku, AT_FIRST, low_at=LOW_AT)

    @rule(sku=st.sampled_from(SKUS), quantity=st.integers(-5, 12).filter(bool))
    def adjust(self, sku: str, quantity: int) -> None:
        try:
            with self.service.db.transaction() as tx:
                store.add(tx, sku, quantity)
        except NotEnough:
            assert self.available[sku] + quantity < 0
        else:
            self.move({sku: quantity})

    @rule(order_id=ORDERS, lines=LINES)
    def reserve(self, order_id: str, lines: dict[str, int]) -> None:
        order = self.orders.setdefault(order_id, Order())
        wanted = {sku: n for sku, n in lines.items() if sku not in order.holds}
        short = any(self.available[sku] < n for sku, n in wanted.items())
        refused = self.service.reserve(order_id, *lines.items())
        if order.status == "new":
            assert bool(refused) == short
            order.status = "rejected" if short else "reserved"
        elif order.status in ("rejected", "released"):
            assert refused
            return
        elif order.status == "taken":
            assert not refused
            return
        assert bool(refused) == short
        if not short:
            self.move({sku: -n for sku, n in wanted.items()})
            order.holds |= wanted

    @rule(order_id=ORDERS)
    def pay(self, order_id: str) -> None:
        order = self.orders.get(order_id, Order())
        with self.service.db.transaction() as tx:
            refused = store.firm(tx, order_id)
        assert bool(refused) == (order.status in ("new", "rejected"))
        if order.status in ("reserved", "overdue"):
            order.status = "firm"

    @rule(order_id=ORDERS)
    def release(self, order_id: str) -> None:
        order = self.orders.setdefault(order_id, Order())
        with self.service.db.transaction() as tx:
            released = store.release(tx, order_id, "over")
        assert released == (order.status not in ("rejected", "taken"))
        if order.status in KEEPS:
            self.move(order.holds)
        if released:
            order.status = "released"

    @rule(order_id=ORDERS)
    def expire(self, order_id: str) -> None:
        order = self.orders.get(order_id, Order())
        with self.service.db.transaction() as tx:
            expired = store.expire(tx, order_id, time.time() + 1)
        assert expired == (order.status == "reserved")
        if expired:
            order.status = "overdue"

    @rule(order_id=ORDERS, missing=LINES | st.just({}))
    def take(self, order_id: str, missing: dict[str, int]) -> None:
        order = self.orders.get(order_id, Order())
        left = {sku: n - missing.get(sku, 0) for sku, n in order.holds.items() if n > missing.get(sku, 0)}
        lines = [{"sku": sku, "quantity": n} for sku, n in missing.items()]
        try:
            self.service.hear("order_fulfilled", order_id, missing=lines)
        except NotEnough:
            assert not order.holds or order.status == "released"
            return
        if order.status in KEEPS:
            self.move({sku: n - left.get(sku, 0) for sku, n in order.holds.items()})
        if order.status != "taken":
            order.status, order.holds = "taken", left

    @invariant()
    def every_piece_is_accounted_for(self) -> None:
        assert self.service.unaccounted() == dict.fromkeys(SKUS, 0)

    @invariant()
    def the_shelf_holds_what_the_model_says(self) -> None:
        assert self.service.stock() == self.available

    @invariant()
    def that_there_are_few_was_told_at_every_fall(self) -> None:
        told = [event["sku"] for event in self.service.told("stock_low")]
        assert {sku: told.count(sku) for sku in SKUS} == self.falls

    def move(self, pieces: dict[str, int]) -> None:
        """Onto the shelf, in the model."""
        for sku, n in pieces.items():
            self.available[sku] += n
            low = self.available[sku] <= LOW_AT
            self.falls[sku] += low and not self.low[sku]
            self.low[sku] = low


def test_pieces_are_conserved(inventory_on_each):
    class OnThis(Shelf):
        service = inventory_on_each

    examples = 20 if inventory_on_each.db.one_writer else 10  # the rules are the same, and SQLite is quicker
    calm = settings(max_examples=examples, stateful_step_count=25, suppress_health_check=ALL)
    run_state_machine_as_test(OnThis, settings=calm)
