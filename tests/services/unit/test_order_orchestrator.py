"""Sagas in a real database: carried on, killed at every point, doubled, late, and always even in the end."""

import json
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select

import tests.unhurried  # noqa: F401  no clock
from labs.services.chassis.database import Database
from labs.services.chassis.outbox import outbox
from labs.services.order import store
from labs.services.order.domain import ENDED, Status
from labs.services.order.orchestrator import Orchestrator, Task
from labs.services.order.progress import LEASE
from labs.services.order.saga import STEPS
from labs.services.order.tables import Payment
from tests.services.unit.order_stand import COST, Outside, get, killed_at, order_database, place

NAMES = [step.name for step in STEPS]
POINTS = ("before_call", "after_call", "before_commit", "after_commit")


class Clock:
    """Time that can be let pass."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Shop:
    """One database, a worker or several, and the world outside."""

    def __init__(self, db: Database) -> None:
        self.db, self.outside, self.clock = db, Outside(), Clock()
        self.worker = Orchestrator(db, self.outside.actions(), clock=self.clock)

    def take(self, *steps: str) -> list[Task]:
        """What is due at these steps, by default at any."""
        return self.worker.take(dict.fromkeys(steps or NAMES, 10))

    def stock_says(self, order_id: str, status: Status = Status.CONFIRMED) -> None:
        """As the worker's handlers write it down."""
        with self.db.transaction() as tx:
            if order := store.settle(tx, order_id, status, "none there" if status == Status.REJECTED else ""):
                tx.tell(f"order_{status}", {"order_id": order.id})
            elif status == Status.REJECTED:
                store.lose(tx, order_id, "none there any more")

    def cancel(self, order_id: str) -> bool:
        """As the API does."""
        with self.db.transaction() as tx:
            order = store.locked(tx, order_id)
            assert order is not None
            return store.cancel(order)

    def go_on(self, rounds: int = 40) -> None:
        """Time passes, and whatever is due is done."""
        for _ in range(rounds):
            self.clock.ahead += LEASE + 1
            for task in self.take():
                self.worker.carry(task)

    def told(self, order_id: str) -> list[str]:
        """The events about an order, in their order."""
        with self.db.reading() as session:
            rows = session.execute(select(outbox.c.type, outbox.c.data).order_by(outbox.c.position)).all()
        return [row.type for row in rows if row.data.get("order_id") == order_id]


@pytest.fixture
def db(database_url) -> Iterator[Database]:
    with order_database(database_url) as fresh:
        yield fresh


@pytest.fixture
def shop(db) -> Shop:
    return Shop(db)


def test_an_order_is_charged_shipped_and_told_of(shop):
    order_id = place(shop.db)
    shop.stock_says(order_id)
    shop.go_on()
    order = get(shop.db, order_id)
    assert (order.status, order.tracking_code, order.missing) == ("fulfilled", "TRACK-1", [])
    assert shop.outside.charged == {order_id: COST}
    assert shop.outside.asked == ["charge", "ship"]
    assert shop.told(order_id) == ["order_placed", "order_confirmed", "order_paid", "order_fulfilled"]


def test_what_the_carrier_does_not_find_is_paid_back(shop):
    shop.outside.ships = 1
    order_id = place(shop.db)
    shop.stock_says(order_id)
    shop.go_on()
    order = get(shop.db, order_id)
    assert (order.status, order.missing) == ("fulfilled", [{"sku": "cup", "quantity": 1}])
    assert shop.outside.refunds == {order_id: {"missing": 900}}
    assert shop.outside.is_even(order)


def test_an_order_of_which_nothing_is_found_is_undone_and_says_why(shop):
    shop.outside.ships = 0
    order_id = place(shop.db)
    shop.stock_says(order_id)
    shop.go_on()
    order = get(shop.db, order_id)
    assert (order.status, order.reason) == ("rejected", "nothing found")
    assert shop.outside.refunds == {order_id: {"all": COST}}
    assert shop.told(order_id)[-2:] == ["order_paid", "order_rejected"]


def test_a_declined_card_undoes_the_order_and_bars_a_charge_that_is_still_on_its_way(shop):
    shop.outside.declines = True
    order_id = place(shop.db)
    shop.stock_says(order_id)
    shop.go_on()
    assert (get(shop.db, order_id).status, get(shop.db, order_id).reason) == ("rejected", "declined")
    assert shop.outside.voided == {order_id}
    assert shop.told(order_id)[-1] == "order_rejected"


def test_inventory_that_says_nothing_is_asked_again_and_given_up_after_ten_minutes(shop):
    order_id = place(shop.db)
    assert shop.take() == [], "the event that tells of the order asked already"
    shop.go_on(rounds=20)
    assert get(shop.db, order_id).status == Status.PLACED
    shop.go_on(rounds=60)
    assert get(shop.db, order_id).status == Status.REJECTED
    told = shop.told(order_id)
    assert 5 < told.count("order_placed") < 30
    assert told[-1] == "order_rejected"


def test_a_provider_that_is_away_is_asked_ever_more_slowly_and_then_given_up(shop):
    shop.outside.answers = "lost"
    order_id = place(shop.db)
    shop.stock_says(order_id)
    shop.go_on(rounds=80)
    assert get(shop.db, order_id).status == Status.UNDOING
    assert get(shop.db, order_id).reason.startswith("charge was given up")
    shop.outside.answers = "well"
    shop.go_on(rounds=3)
    assert get(shop.db, order_id).status == Status.REJECTED
    assert shop.outside.refunds == {order_id: {"all": COST}}


def test_a_carrier_that_is_away_for_long_delays_orders_and_loses_none(shop):
    orders = [place(shop.db) for _ in range(5)]
    for order_id in orders:
        shop.stock_says(order_id)
    for task in shop.take("charge"):
        shop.worker.carry(task)
    shop.outside.answers = "unreached"
    shop.go_on(rounds=500)
    assert {get(shop.db, order_id).status for order_id in orders} == {"paid"}
    shop.outside.answers = "well"
    shop.go_on(rounds=2)
    assert {get(shop.db, order_id).status for order_id in orders} == {"fulfilled"}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("step", ["charge", "fulfil"])
def test_a_worker_killed_at_any_point_has_charged_and_shipped_once_and_another_goes_on(shop, step, point):
    order_id = place(shop.db)
    shop.stock_says(order_id)
    if step == "fulfil":
        for task in shop.take("charge"):
            shop.worker.carry(task)
    [task] = shop.take(step)
    with killed_at(point):
        shop.worker.carry(task)
    if point != "after_commit":
        assert shop.take(step) == [], "whoever took it may still be alive"
    shop.go_on()
    assert get(shop.db, order_id).status == Status.FULFILLED
    assert shop.outside.is_even(get(shop.db, order_id))
    assert shop.told(order_id) == ["order_placed", "order_confirmed", "order_paid", "order_fulfilled"]


def test_a_worker_killed_while_it_takes_a_step_leaves_it_to_the_next(shop):
    order_id = place(shop.db)
    shop.stock_says(order_id)
    with killed_at("before_commit"):
        shop.take("charge")
    assert get(shop.db, order_id).attempts == 0
    assert len(shop.take("charge")) == 1


def test_a_worker_takes_no_more_than_it_has_room_for_and_begins_with_who_waits_longest(shop):
    orders = [place(shop.db) for _ in range(5)]
    for order_id in orders:
        shop.stock_says(order_id)
    assert shop.worker.take({"charge": 0, "fulfil": 9}) == []
    assert [task.order.id for task in shop.worker.take({"charge": 2})] == orders[:2]
    assert len(shop.worker.take({"charge": 9})) == 3


def test_two_workers_never_get_the_same_step_and_a_late_answer_changes_nothing(shop):
    order_id = place(shop.db)
    shop.stock_says(order_id)
    [slow] = shop.take("charge")
    assert shop.take("charge") == []
    shop.clock.ahead += LEASE + 1
    [fast] = shop.take("charge")
    shop.worker.carry(fast)
    before = get(shop.db, order_id)
    shop.worker.carry(slow)
    after = get(shop.db, order_id)
    assert (after.step, after.attempts, after.due_at) == (before.step, before.attempts, before.due_at)
    assert shop.told(order_id).count("order_paid") == 1


def test_two_workers_at_once_share_the_work_and_ask_for_nothing_twice(shop):
    orders = [place(shop.db) for _ in range(30)]
    for order_id in orders:
        shop.stock_says(order_id)

    def work() -> None:
        worker = Orchestrator(shop.db, shop.outside.actions())
        while tasks := worker.take(dict.fromkeys(NAMES, 3)):
            for task in tasks:
                following = worker.carry(task, lambda _step: True)
                while following:
                    following = worker.carry(following, lambda _step: True)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(shop.outside.asked) == ["charge"] * 30 + ["ship"] * 30
    assert {get(shop.db, order_id).status for order_id in orders} == {"fulfilled"}


def test_an_order_cancelled_while_it_is_charged_is_refunded(shop):
    order_id = place(shop.db)
    shop.stock_says(order_id)
    [charging] = shop.take("charge")
    assert shop.cancel(order_id)
    shop.worker.carry(charging)
    with shop.db.reading() as session:
        assert session.get(Payment, order_id), "the answer came too late, and is true all the same"
    assert shop.cancel(order_id), "to say it twice is no mistake"
    shop.go_on()
    assert get(shop.db, order_id).status == Status.CANCELLED
    assert shop.outside.charged == {order_id: COST}
    assert shop.outside.is_even(get(shop.db, order_id))
    assert not shop.cancel(order_id)


def test_an_order_that_is_with_the_carrier_cannot_be_cancelled_but_one_that_never_reached_it_can(shop):
    order_id = place(shop.db)
    shop.stock_says(order_id)
    for task in shop.take("charge"):
        shop.worker.carry(task)
    [shipping] = shop.take("fulfil")
    assert not shop.cancel(order_id), "the request may be on its way"
    shop.outside.answers = "unreached"
    shop.worker.carry(shipping)
    assert shop.cancel(order_id)
    shop.outside.answers = "well"
    shop.go_on()
    assert get(shop.db, order_id).status == Status.CANCELLED
    assert shop.outside.is_even(get(shop.db, order_id))


def test_a_parcel_that_may_have_left_stays_in_doubt_also_when_the_carrier_is_away_the_next_time(shop):
    order_id = place(shop.db)
    shop.stock_says(order_id)
    for task in shop.take("charge"):
        shop.worker.carry(task)
    for shop.outside.answers in ("lost", "unreached"):
        shop.clock.ahead += LEASE + 1
        [shipping] = shop.take("fulfil")
        shop.worker.carry(shipping)
    assert not shop.cancel(order_id)
    shop.outside.answers = "well"
    shop.go_on()
    assert get(shop.db, order_id).status == Status.FULFILLED


def test_an_order_that_is_about_to_be_rejected_cannot_be_cancelled(shop):
    shop.outside.declines = True
    order_id = place(shop.db)
    shop.stock_says(order_id)
    for task in shop.take("charge"):
        shop.worker.carry(task)
    assert get(shop.db, order_id).status == Status.UNDOING
    assert not shop.cancel(order_id)


def test_pieces_that_are_lost_after_the_payment_undo_it(shop):
    order_id = place(shop.db)
    shop.stock_says(order_id)
    for task in shop.take("charge"):
        shop.worker.carry(task)
    shop.stock_says(order_id, Status.REJECTED)
    shop.go_on()
    assert (get(shop.db, order_id).status, get(shop.db, order_id).reason) == ("rejected", "none there any more")
    assert shop.outside.is_even(get(shop.db, order_id))


@pytest.mark.parametrize("charging", [False, True])
def test_an_order_whose_pieces_wait_no_longer_comes_to_nothing_unless_it_is_paid_for(shop, charging):
    late, paid = place(shop.db), place(shop.db)
    for order_id in (late, paid):
        shop.stock_says(order_id)
    [under_way, *_] = tasks = shop.take("charge")
    for task in tasks:
        if task.order.id == paid:
            shop.worker.carry(task)
    for order_id in (late, paid):
        with shop.db.transaction() as tx:
            store.give_up(tx, order_id)
    if charging:
        shop.worker.carry(under_way)
    shop.go_on()
    assert (get(shop.db, late).status, get(shop.db, late).reason) == ("rejected", "the payment took too long")
    assert get(shop.db, paid).status == Status.FULFILLED, "its pieces are still there"
    assert all(shop.outside.is_even(get(shop.db, order_id)) for order_id in (late, paid))


def test_an_action_that_breaks_is_tried_again(shop):
    actions = dict(shop.outside.actions())
    broken = Orchestrator(shop.db, actions | {"charge": lambda _order: 1 / 0}, clock=shop.clock)
    order_id = place(shop.db)
    shop.stock_says(order_id)
    [task] = broken.take({"charge": 1})
    broken.carry(task)
    order = get(shop.db, order_id)
    assert (order.status, order.error) == ("confirmed", "ZeroDivisionError: division by zero")
    assert order.doubt, "nobody knows what it did before it broke"
    shop.go_on()
    assert get(shop.db, order_id).status == Status.FULFILLED


def test_one_order_can_be_carried_on_to_its_end_at_once_where_nobody_has_to_be_waited_for(shop):
    """What the monolith does within its request."""
    order_id, declined = place(shop.db), place(shop.db)
    inside = Orchestrator(shop.db, {**shop.outside.actions(), "reserve": shop.outside.actions()["release"]})
    inside.run(order_id)
    shop.outside.declines = True
    inside.run(declined)
    assert [get(shop.db, each).status for each in (order_id, declined)] == ["fulfilled", "rejected"]
    assert shop.told(order_id) == ["order_placed", "order_confirmed", "order_paid", "order_fulfilled"]
    waiting = place(shop.db)
    shop.worker.run(waiting)
    assert get(shop.db, waiting).status == Status.PLACED


# --- any story ----------------------------------------------------------------------------------------------------------


class Stories(RuleBasedStateMachine):
    """Two orders, and everything that can befall them."""

    db: Database

    @initialize()
    def two_orders(self) -> None:
        self.shop = Shop(self.db)
        self.orders = [place(self.db), place(self.db)]
        self.held: list[Task] = []
        self.promised: set[str] = set()

    @rule(number=st.integers(0, 1), status=st.sampled_from([Status.CONFIRMED, Status.CONFIRMED, Status.REJECTED]))
    def the_stock_answers(self, number: int, status: Status) -> None:
        self.shop.stock_says(self.orders[number], status)

    @rule(number=st.integers(0, 1))
    def the_customer_cancels(self, number: int) -> None:
        if self.shop.cancel(self.orders[number]):
            self.promised.add(self.orders[number])

    @rule(
        answers=st.sampled_from(["well", "well", "lost", "unreached", "refused"]),
        ships=st.integers(0, 2),
        declines=st.booleans(),
    )
    def the_outside_changes(self, answers: str, ships: int, declines: bool) -> None:
        self.shop.outside.answers, self.shop.outside.ships, self.shop.outside.declines = answers, ships, declines

    @rule(step=st.sampled_from(NAMES))
    def a_worker_takes_a_step(self, step: str) -> None:
        self.held += [task for task in self.shop.take(step) if task.order.id in self.orders]

    @precondition(lambda self: self.held)
    @rule(number=st.integers(0, 9), point=st.sampled_from(["", "", *POINTS]))
    def a_worker_does_what_it_took(self, number: int, point: str) -> None:
        task = self.held.pop(number % len(self.held))
        if point:
            with killed_at(point):
                self.shop.worker.carry(task)
        else:
            self.shop.worker.carry(task)

    @rule(seconds=st.sampled_from([1, LEASE + 1, 60, 700]))
    def time_passes(self, seconds: float) -> None:
        self.shop.clock.ahead += seconds

    def teardown(self) -> None:
        """The faults end, slow workers come back, and all is well."""
        if not hasattr(self, "orders"):
            return
        self.shop.outside.answers, self.shop.outside.ships, self.shop.outside.declines = "well", 2, False
        for task in self.held:
            self.shop.worker.carry(task)
        for order_id in self.orders:
            self.shop.stock_says(order_id)
        self.shop.go_on(rounds=6)
        for order_id in self.orders:
            order = get(self.db, order_id)
            assert order.status in ENDED, order.status
            assert self.shop.outside.is_even(order), json.dumps([order.status, self.shop.outside.__dict__], default=str)
            assert (order_id in self.promised) == (order.status == Status.CANCELLED)
            told = [each for each in self.shop.told(order_id) if each != "order_placed"]
            assert len(set(told)) == len(told)
            assert f"order_{order.status}" in told
        with self.db.reading() as session:
            noted = session.scalar(
                select(func.count()).where(Payment.kind == "charge", Payment.order_id.in_(self.orders))
            )
        assert noted <= len(self.shop.outside.charged)


def test_whatever_befalls_an_order_in_the_database_it_ends_and_is_even(db):
    Stories.db = db
    run_state_machine_as_test(Stories, settings=settings(max_examples=60, stateful_step_count=20, database=None))
