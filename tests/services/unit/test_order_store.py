"""Orders in the database: placed, settled once, found again."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import select

from labs.services.chassis.database import Database
from labs.services.chassis.outbox import outbox
from labs.services.order import store
from labs.services.order.domain import Status
from tests.services.unit.order_stand import get, order_database, place


@pytest.fixture
def db(database_url) -> Iterator[Database]:
    with order_database(database_url) as fresh:
        yield fresh


def test_an_order_is_placed_with_the_event_that_asks_for_its_pieces(db):
    order_id = place(db)
    with db.reading() as session:
        [event] = session.execute(select(outbox.c.type, outbox.c.data)).all()
    assert event.type == "order_placed"
    assert event.data == {
        "order_id": order_id,
        "customer_id": "customer-1",
        "lines": [{"sku": "tea", "quantity": 2}, {"sku": "cup", "quantity": 1}],
        "total": {"amount": 1600, "currency": "EUR"},
    }
    assert (get(db, order_id).status, get(db, order_id).step) == ("placed", "reserve")


def test_an_order_is_settled_once(db):
    order_id = place(db)
    with db.transaction() as tx:
        settled = store.settle(tx, order_id, Status.REJECTED, "no tea")
        assert settled is not None
        assert (settled.id, settled.customer_id) == (order_id, "customer-1")
        assert (settled.status, settled.reason) == ("rejected", "no tea")
    with db.transaction() as tx:
        assert store.settle(tx, order_id, Status.CONFIRMED) is None
        assert store.settle(tx, str(uuid4()), Status.CONFIRMED) is None
    assert get(db, order_id).status == "rejected"


def test_a_confirmed_order_stays_confirmed_whatever_comes_late(db):
    order_id = place(db)
    with db.transaction() as tx:
        assert store.settle(tx, order_id, Status.CONFIRMED)
    with db.transaction() as tx:
        assert store.settle(tx, order_id, Status.CONFIRMED) is None
        assert store.settle(tx, order_id, Status.REJECTED, "late") is None
    assert (get(db, order_id).status, get(db, order_id).reason) == ("confirmed", "")


def test_a_reason_without_end_is_cut(db):
    order_id = place(db)
    with db.transaction() as tx:
        store.settle(tx, order_id, Status.REJECTED, "why? " * 200)
    assert len(get(db, order_id).reason) == 500


def test_the_newest_orders_come_first_and_can_be_narrowed_down(db):
    mine = [place(db) for _ in range(3)]
    theirs = place(db, customer="customer-2")
    with db.transaction() as tx:
        store.settle(tx, mine[1], Status.REJECTED, "")
    with db.reading() as session:

        def ids(customer=None, status=None, before=None, limit=9):
            return [order.id for order in store.page(session, customer, status, before, limit)]

        assert ids() == [theirs, *mine[::-1]]
        assert ids(customer="customer-1", limit=2) == [mine[2], mine[1]]
        assert ids(status=Status.REJECTED) == [mine[1]]
        assert ids(before=get(db, mine[2]).position) == [mine[1], mine[0]]
