"""What each service keeps, and how it changes."""

import subprocess
import sys
import threading

from sqlalchemy import select

from labs.services.inventory import store as stock
from labs.services.inventory.domain import Line, Shortage
from labs.services.notification import store as notifications
from labs.services.notification.domain import Message
from labs.services.order import store as orders
from labs.services.order.domain import Status

BUYER = """
import sys, threading
from labs.services.chassis.database import Database
from labs.services.inventory import store
from labs.services.inventory.domain import Line

url, name, buyers = sys.argv[1], sys.argv[2], int(sys.argv[3])
db = Database(url)

def buy(thread):
    for number in range(buyers):
        with db.transaction() as tx:
            store.reserve(tx, f"{name}-{thread}-{number}", [Line("tea", 1), Line("cup", 1)])

threads = [threading.Thread(target=buy, args=(n,)) for n in range(4)]
input()
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_an_order_is_placed_and_settled_once(migrated):
    db = migrated("order")
    with db.transaction() as tx:
        order_id = orders.place(tx, "a@example.org", [{"sku": "tea", "quantity": 1}]).id
    with db.transaction() as tx:
        settled = orders.settle(tx, order_id, Status.REJECTED, "no tea")
        assert settled is not None and (settled.status, settled.reason) == ("rejected", "no tea")
    with db.transaction() as tx:
        assert orders.settle(tx, order_id, Status.CONFIRMED) is None
        assert orders.settle(tx, "unknown", Status.CONFIRMED) is None
    with db.reading() as session:
        kept = orders.get(session, order_id)
        assert kept is not None and kept.status == "rejected"


def test_the_newest_orders_come_first(migrated):
    db = migrated("order")
    with db.transaction() as tx:
        placed = [orders.place(tx, "a@example.org", []).id for _ in range(5)]
    with db.reading() as session:
        assert [order.id for order in orders.latest(session, 3)] == placed[:1:-1]


def test_stock_adds_up(migrated):
    db = migrated("inventory")
    with db.transaction() as tx:
        assert stock.add(tx, "tea", 2) == 2
        assert stock.add(tx, "tea", 3) == 5
        assert stock.available(tx, "tea") == 5
        assert stock.available(tx, "unknown") is None
        assert stock.everything(tx) == {"tea": 5}


def test_all_lines_of_an_order_are_reserved_or_none(migrated):
    db = migrated("inventory")
    with db.transaction() as tx:
        stock.add(tx, "tea", 5)
        stock.add(tx, "cup", 1)
    with db.transaction() as tx:
        assert stock.reserve(tx, "large", [Line("cup", 2), Line("tea", 1), Line("pot", 1)]) == [
            Shortage("cup", 2, 1),
            Shortage("pot", 1, 0),
        ]
        tx.tell("stock_rejected", {})
    with db.transaction() as tx:
        assert stock.everything(tx) == {"tea": 5, "cup": 1}
        assert stock.reserve(tx, "split", [Line("tea", 2), Line("tea", 4)]) == [Shortage("tea", 6, 5)]
        assert stock.reserve(tx, "small", [Line("tea", 2), Line("tea", 3), Line("cup", 1)]) == []
    with db.reading() as session:
        assert stock.everything(session) == {"tea": 0, "cup": 0}
        kept = session.execute(select(stock.Reservation.order_id, stock.Reservation.sku, stock.Reservation.quantity))
        assert sorted(map(tuple, kept)) == [("small", "cup", 1), ("small", "tea", 5)]


def test_200_buyers_in_two_processes_and_eight_threads_get_exactly_the_100_pieces_there_are(migrated):
    db = migrated("inventory")
    with db.transaction() as tx:
        stock.add(tx, "tea", 100)
        stock.add(tx, "cup", 1000)
    buyers = [
        subprocess.Popen(
            [sys.executable, "-c", BUYER, str(db.engine.url), name, "25"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for name in ("one", "two")
    ]
    said: list[bytes] = []
    threads = [threading.Thread(target=lambda b=b: said.append(b.communicate(b"\n", timeout=60)[1])) for b in buyers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [b.returncode for b in buyers] == [0, 0]
    assert said == [b"", b""], "nobody met an error"
    with db.reading() as session:
        assert stock.everything(session) == {"tea": 0, "cup": 900}
        sold = list(session.scalars(select(stock.Reservation).where(stock.Reservation.sku == "tea")))
    assert len({reservation.order_id for reservation in sold}) == 100


def test_a_notification_waits_until_it_is_sent_or_given_up(migrated):
    db = migrated("notification")
    with db.transaction() as tx:
        for number in range(3):
            notifications.record(tx, f"e-{number}", f"o-{number}", "a@example.org", Message("subject", "body"))
    with db.reading() as session:
        first, second, third = notifications.pending(session)
    with db.transaction() as tx:
        notifications.mark(tx, first, notifications.SENT)
        notifications.mark(tx, second, notifications.FAILED)
    with db.reading() as session:
        assert [n.id for n in notifications.pending(session)] == [third.id]
        assert [n.status for n in notifications.history(session, first.order_id)] == ["sent"]
        assert len(notifications.history(session, None)) == 3
