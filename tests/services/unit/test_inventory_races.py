"""Several at once, on one database: nothing is sold twice, nothing comes back twice, nobody waits for each other for ever."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from labs.services.chassis.shapes import Money
from labs.services.inventory import store

ORDERS = [f"o-{number}" for number in range(20)]
PIECES = 100
BUYER = """
import sys, threading
from labs.services.chassis.database import Database
from labs.services.inventory import store
from labs.services.inventory.domain import Line

url, name, buyers = sys.argv[1], sys.argv[2], int(sys.argv[3])
db = Database(url)

def buy(thread):
    for number in range(buyers):
        lines = [Line("tea", 1), Line("cup", 1)]
        with db.transaction() as tx:
            store.reserve(tx, f"{name}-{thread}-{number}", lines if thread % 2 else lines[::-1])

threads = [threading.Thread(target=buy, args=(n,)) for n in range(4)]
input()
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.fixture
def inventory(inventory_on_each):
    """On each kind of database: only PostgreSQL lets several write at once."""
    return inventory_on_each


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """What they return, in their order; they start together. Raises what one of them raises."""
    start = threading.Barrier(len(deeds))

    def do(deed: Callable[[], Any]) -> Any:
        start.wait(10)
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(do, deeds))


def test_200_buyers_in_two_processes_and_eight_threads_get_exactly_the_100_pieces_there_are(inventory):
    inventory.offer("tea", 100)
    inventory.offer("cup", 1000)
    buyers = [
        subprocess.Popen(
            [sys.executable, "-c", BUYER, inventory.url, name, "25"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for name in ("one", "two")
    ]
    said: list[bytes] = []
    threads = [threading.Thread(target=lambda b=b: said.append(b.communicate(b"\n", timeout=60)[1])) for b in buyers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [b.returncode for b in buyers] == [0, 0], said
    assert said == [b"", b""], "nobody met an error"
    assert inventory.stock() == {"tea": 0, "cup": 900}
    held = [f"{name}-{thread}-{number}" for name in ("one", "two") for thread in range(4) for number in range(25)]
    assert sorted(map(inventory.status, held)) == ["rejected"] * 100 + ["reserved"] * 100
    assert inventory.unaccounted() == {"tea": 0, "cup": 0}


def test_one_order_that_asks_several_times_at_once_is_reserved_once(inventory):
    inventory.offer("tea", PIECES)
    for order_id in ORDERS:
        answers = at_once(*[partial(inventory.reserve, order_id, ("tea", 1))] * 3)
        assert answers == [[], [], []]
    assert inventory.stock() == {"tea": PIECES - len(ORDERS)}


def test_a_reservation_that_is_overdue_while_its_payment_comes_ends_firm(inventory):
    inventory.offer("tea", PIECES)
    for order_id in ORDERS:
        inventory.reserve(order_id, ("tea", 1))
        at_once(partial(expire, inventory, order_id), partial(inventory.hear, "order_paid", order_id))
        assert inventory.status(order_id) == "firm"
    assert inventory.stock() == {"tea": PIECES - len(ORDERS)}
    assert inventory.told("stock_rejected") == []


def test_whoever_releases_the_same_pieces_at_once_gives_them_back_once(inventory):
    inventory.offer("tea", PIECES)
    for order_id in ORDERS:
        inventory.reserve(order_id, ("tea", 3))
        at_once(
            partial(inventory.hear, "order_cancelled", order_id, reason="thought again"),
            partial(inventory.hear, "order_rejected", order_id, reason="declined"),
            partial(expire, inventory, order_id),
        )
        assert inventory.stock() == {"tea": PIECES}


def test_an_order_and_its_cancellation_at_once_leave_the_stock_as_it_was(inventory):
    inventory.offer("tea", PIECES)
    for order_id in ORDERS:
        at_once(
            partial(inventory.hear, "order_placed", order_id, lines=[{"sku": "tea", "quantity": 1}]),
            partial(inventory.hear, "order_cancelled", order_id, reason="thought again"),
        )
        assert inventory.status(order_id) == "released"
    assert inventory.stock() == {"tea": PIECES}


def test_that_there_are_few_is_told_once_however_many_buy_at_once(inventory):
    inventory.offer("tea", PIECES, low_at=PIECES - 5)
    at_once(*[partial(inventory.reserve, order_id, ("tea", 1)) for order_id in ORDERS[:10]])
    assert [event["available"] for event in inventory.told("stock_low")] == [PIECES - 5]


def test_of_clerks_who_offer_the_same_product_at_once_one_makes_it_and_no_price_is_lost(inventory):
    def put(amount: int) -> bool:
        entry = store.catalogue.Entry("Tea", "", Money(amount=amount, currency="EUR"))
        with inventory.db.transaction() as tx:
            return store.catalogue.put(tx, "tea", entry, f"clerk-{amount}")

    made = at_once(*[partial(put, amount) for amount in range(1, 9)])
    assert made.count(True) == 1
    with inventory.db.reading() as session:
        kept = store.catalogue.history(session, "tea", 100, 100)
    assert [price.version for price in kept] == list(range(8, 0, -1))
    assert {price.changed_by: price.amount for price in kept} == {f"clerk-{n}": n for n in range(1, 9)}


def test_imports_that_overlap_and_clerks_who_change_prices_meanwhile_do_not_wait_for_each_other_for_ever(inventory):
    skus = [f"sku-{number:03}" for number in range(40)]
    for sku in skus:
        inventory.offer(sku)

    def import_prices(amount: int, order: list[str]) -> None:
        with inventory.db.transaction() as tx:
            assert not store.catalogue.reprice(tx, {s: Money(amount=amount, currency="EUR") for s in order}, "clerk")

    def change_prices(amount: int) -> None:
        for sku in skus[::-3]:
            inventory.offer(sku, price=Money(amount=amount, currency="EUR"))

    for amount in (10, 20, 30):
        at_once(
            partial(import_prices, amount, skus),
            partial(import_prices, amount + 1, skus[::-1]),
            partial(change_prices, amount + 2),
        )
    changes = inventory.told("price_changed")
    assert len({(change["sku"], change["version"]) for change in changes}) == len(changes)


def expire(inventory, order_id: str) -> bool:
    """The time to pay for this order is over."""
    with inventory.db.transaction() as tx:
        return store.expire(tx, order_id, time.time() + 10_000)
