"""What orders hold, in whatever order their events come and however often."""

import time

import pytest

from labs.services.inventory import store, worker
from labs.services.inventory.domain import Line, NotEnough, Shortage

LATE = 10_000.0
"""Seconds after which nothing waits for a payment any more."""


def expire(inventory, order_id: str) -> bool:
    """The time to pay for this order is over."""
    with inventory.db.transaction() as tx:
        return store.expire(tx, order_id, time.time() + LATE)


# --- reserve ----------------------------------------------------------------------------------------------------------


def test_all_lines_of_an_order_are_reserved_or_none(inventory):
    inventory.offer("tea", 5)
    inventory.offer("cup", 1)
    with inventory.db.transaction() as tx:
        assert store.reserve(tx, "large", [Line("cup", 2), Line("tea", 1), Line("pot", 1)]) == [
            Shortage("cup", 2, 1),
            Shortage("pot", 1, 0),
        ]
        tx.tell("stock_rejected", {})
    assert inventory.stock() == {"tea": 5, "cup": 1}
    assert inventory.reserve("split", ("tea", 2), ("tea", 4)) == ["tea: 6 wanted, 5 available"]
    assert inventory.reserve("small", ("tea", 2), ("tea", 3), ("cup", 1)) == []
    assert inventory.stock() == {"tea": 0, "cup": 0}
    assert inventory.unaccounted() == {"tea": 0, "cup": 0}


def test_an_order_that_asks_again_gets_the_same_answer_and_no_second_piece(inventory):
    inventory.offer("tea", 5)
    assert [inventory.reserve("o-1", ("tea", 2)) for _ in range(3)] == [[], [], []]
    refused = inventory.reserve("o-2", ("tea", 4))
    with inventory.db.transaction() as tx:
        store.add(tx, "tea", 100)
    assert inventory.reserve("o-2", ("tea", 4)) == refused == ["tea: 4 wanted, 3 available"]
    assert inventory.stock() == {"tea": 103}


def test_asking_again_in_the_same_transaction_is_no_different(inventory):
    inventory.offer("tea", 5)
    with inventory.db.transaction() as tx:
        assert store.reserve(tx, "o-1", [Line("tea", 9)]) == store.reserve(tx, "o-1", [Line("tea", 9)])
        assert store.reserve(tx, "o-2", [Line("tea", 1)]) == store.reserve(tx, "o-2", [Line("tea", 1)]) == []
    assert inventory.stock() == {"tea": 4}


def test_lines_that_are_asked_for_one_by_one_are_each_reserved_and_kept_when_the_next_is_short(inventory):
    inventory.offer("tea", 5)
    inventory.offer("cup", 1)
    assert inventory.reserve("o-1", ("tea", 1)) == []
    assert inventory.reserve("o-1", ("cup", 5)) == ["cup: 5 wanted, 1 available"]
    assert inventory.stock() == {"tea": 4, "cup": 1}
    assert inventory.unaccounted() == {"tea": 0, "cup": 0}


# --- release ----------------------------------------------------------------------------------------------------------


def test_what_is_released_is_for_sale_again_once(inventory):
    inventory.offer("tea", 5)
    inventory.reserve("o-1", ("tea", 2))
    for _ in range(3):
        inventory.hear("order_cancelled", "o-1", reason="thought again")
    inventory.hear("order_rejected", "o-1", reason="declined")
    assert inventory.stock() == {"tea": 5}
    assert inventory.unaccounted() == {"tea": 0}
    assert inventory.told("stock_released")[0] == {"order_id": "o-1", "reason": "thought again"}


def test_whoever_asks_for_a_release_again_is_answered_again(inventory):
    inventory.offer("tea", 5)
    inventory.reserve("o-1", ("tea", 2))
    inventory.hear("order_cancelled", "o-1", reason="thought again")
    inventory.hear("order_cancelled", "o-1", reason="thought again")
    assert inventory.answers("o-1") == ["stock_released", "stock_released"]


def test_an_order_that_comes_after_its_own_cancellation_gets_nothing(inventory):
    inventory.offer("tea", 5)
    inventory.hear("order_cancelled", "o-1", reason="thought again")
    inventory.hear("order_placed", "o-1", lines=[{"sku": "tea", "quantity": 2}])
    assert inventory.stock() == {"tea": 5}
    assert inventory.answers("o-1") == ["stock_released", "stock_rejected"]
    [rejected] = inventory.told("stock_rejected")
    assert rejected["reason"] == "tea: reservation released: thought again"


def test_an_order_that_was_rejected_has_nothing_to_release(inventory):
    inventory.offer("tea", 1)
    inventory.hear("order_placed", "o-1", lines=[{"sku": "tea", "quantity": 2}])
    inventory.hear("order_rejected", "o-1", reason="tea: 2 wanted, 1 available")
    assert inventory.answers("o-1") == ["stock_rejected"]
    assert inventory.stock() == {"tea": 1}


def test_a_reason_of_any_length_is_kept_as_far_as_it_goes(inventory):
    inventory.offer("tea", 1)
    inventory.hear("order_cancelled", "o-1", reason="x" * 2000)
    assert inventory.status("o-1") == "released"


# --- overdue and firm -------------------------------------------------------------------------------------------------


def test_what_nobody_pays_for_in_time_stays_apart_and_its_order_is_asked_for_once(inventory, monkeypatch):
    inventory.offer("tea", 5)
    inventory.reserve("o-1", ("tea", 2))
    monkeypatch.setattr(worker, "load", lambda settings: settings(service="inventory-service"))
    inventory.worker.expire()
    assert inventory.told("stock_overdue") == [], "there is time yet"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 901)
    inventory.reserve("o-2", ("tea", 1))
    inventory.worker.expire()
    inventory.worker.expire()
    assert inventory.told("stock_overdue") == [{"order_id": "o-1"}], "o-2 has only just come"
    assert inventory.stock() == {"tea": 2}, "a parcel with them may have left"


def test_the_pieces_of_an_overdue_order_that_comes_to_nothing_are_for_sale_again(inventory):
    inventory.offer("tea", 5)
    inventory.reserve("o-1", ("tea", 2))
    assert expire(inventory, "o-1")
    inventory.hear("order_rejected", "o-1", reason="the payment took too long")
    assert (inventory.stock(), inventory.status("o-1")) == ({"tea": 5}, "released")


def test_what_is_paid_for_never_expires(inventory):
    inventory.offer("tea", 5)
    inventory.reserve("o-1", ("tea", 2))
    inventory.hear("order_paid", "o-1")
    assert not expire(inventory, "o-1")
    with inventory.db.reading() as session:
        assert store.waiting(session, time.time() + LATE) == []
    assert inventory.stock() == {"tea": 3}
    assert inventory.answers("o-1") == []


def test_a_payment_that_comes_late_finds_its_pieces(inventory):
    inventory.offer("tea", 2)
    inventory.reserve("o-1", ("tea", 2))
    assert expire(inventory, "o-1")
    assert inventory.reserve("o-2", ("tea", 1)) == ["tea: 1 wanted, 0 available"]
    inventory.hear("order_paid", "o-1")
    inventory.hear("order_paid", "o-1")
    assert (inventory.status("o-1"), inventory.answers("o-1")) == ("firm", [])
    assert not expire(inventory, "o-1")


@pytest.mark.parametrize("ending", ["order_cancelled", "order_rejected"])
def test_a_late_payment_does_not_revive_an_order_that_came_to_nothing(inventory, ending):
    inventory.offer("tea", 5)
    for order_id, expires in (("o-1", False), ("o-2", True)):
        inventory.reserve(order_id, ("tea", 2))
        assert expire(inventory, order_id) or not expires
        inventory.hear(ending, order_id, reason="over")
        inventory.hear("order_paid", order_id)
    assert inventory.stock() == {"tea": 5}
    assert inventory.told("stock_rejected") == []


def test_a_payment_for_an_order_that_holds_nothing_is_answered_with_why(inventory):
    inventory.offer("tea", 1)
    inventory.reserve("o-1", ("tea", 2))
    inventory.hear("order_paid", "o-1")
    inventory.hear("order_paid", "o-2")
    assert [event["reason"] for event in inventory.told("stock_rejected")] == [
        "tea: 2 wanted, 1 available",
        "order: nothing was ever reserved for it",
    ]


# --- take -------------------------------------------------------------------------------------------------------------


def test_what_has_left_stays_away(inventory):
    inventory.offer("tea", 5)
    inventory.reserve("o-1", ("tea", 2))
    inventory.hear("order_fulfilled", "o-1", missing=[])
    inventory.hear("order_paid", "o-1")
    inventory.hear("order_cancelled", "o-1", reason="too late")
    inventory.hear("order_fulfilled", "o-1", missing=[])
    assert not expire(inventory, "o-1")
    assert inventory.reserve("o-1", ("tea", 2)) == []
    assert (inventory.stock(), inventory.status("o-1"), inventory.answers("o-1")) == ({"tea": 3}, "taken", [])


def test_what_is_missing_from_the_parcel_is_for_sale_again(inventory):
    inventory.offer("tea", 5)
    inventory.offer("cup", 5)
    inventory.reserve("o-1", ("tea", 3), ("cup", 2))
    missing = [{"sku": "cup", "quantity": 2, "amount": 350, "currency": "EUR"}, {"sku": "tea", "quantity": 1}]
    for _ in range(2):
        inventory.hear("order_fulfilled", "o-1", missing=missing)
    assert inventory.stock() == {"cup": 5, "tea": 3}
    assert inventory.reserve("o-1", ("tea", 3), ("cup", 2)) == []
    assert inventory.unaccounted() == {"cup": 0, "tea": 0}
    assert inventory.stock() == {"cup": 5, "tea": 3}


def test_of_a_parcel_that_never_left_everything_is_for_sale_again(inventory):
    inventory.offer("tea", 5)
    inventory.reserve("o-1", ("tea", 3))
    for _ in range(2):
        inventory.hear("order_fulfilled", "o-1", missing=[{"sku": "tea", "quantity": 3}])
    assert (inventory.stock(), inventory.status("o-1")) == ({"tea": 5}, "taken")


def test_a_parcel_that_left_before_anybody_heard_of_its_payment_has_its_own_pieces(inventory):
    inventory.offer("tea", 2)
    inventory.reserve("o-1", ("tea", 2))
    assert expire(inventory, "o-1")
    inventory.hear("order_fulfilled", "o-1", missing=[{"sku": "tea", "quantity": 1}])
    inventory.hear("order_paid", "o-1")
    assert (inventory.stock(), inventory.status("o-1")) == ({"tea": 1}, "taken")
    assert inventory.unaccounted() == {"tea": 0}


def test_a_parcel_whose_pieces_were_given_back_is_for_a_person_to_look_at(inventory):
    inventory.offer("tea", 2)
    inventory.reserve("o-1", ("tea", 2))
    inventory.hear("order_rejected", "o-1", reason="declined")
    with pytest.raises(NotEnough, match="for sale again: declined"):
        inventory.hear("order_fulfilled", "o-1", missing=[])
    assert (inventory.stock(), inventory.status("o-1")) == ({"tea": 2}, "released")


@pytest.mark.parametrize("before", ["nothing", "rejected", "cancelled"])
def test_a_parcel_that_nothing_was_reserved_for_is_for_a_person_to_look_at(inventory, before):
    inventory.offer("tea", 1)
    if before == "rejected":
        inventory.reserve("o-1", ("tea", 2))
    if before == "cancelled":
        inventory.hear("order_cancelled", "o-1", reason="thought again")
    with pytest.raises(NotEnough, match="nothing was ever reserved"):
        inventory.hear("order_fulfilled", "o-1", missing=[])
