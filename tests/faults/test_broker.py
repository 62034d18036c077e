"""The broker is killed while orders flow, and stands beside somebody else's; nothing is lost, nothing doubled."""

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from labs.classroom import books, watching
from labs.classroom.ledger import judge
from labs.classroom.shop import Shop
from labs.infra import broker as brokers
from labs.infra.system import BROKER, System
from tests.infra.nodes import eventually

ORDERS, BUYERS = 450, 6
KILLED_AT = (20, 120, 280)
PIECES = 1000
MAILS = 3
"""Of a fulfilled order: it is confirmed, it is paid, it is on its way."""


@pytest.fixture
def own(home: Callable[..., Path]) -> Iterator[System]:
    home()
    system = System("own-broker", private_broker=True)
    try:
        system.up(timeout=90)
        yield system
    finally:
        system.down()


def remembers_its_queues(system: System) -> bool:
    """Whether the broker has the names of all quorum queues on disk. RabbitMQ 3.10 writes them up to three seconds late, and a
    queue that it forgot has no leader ever after."""
    assert system.broker
    login = (brokers.ADMIN, system.broker.password)
    queues = requests.get(f"http://{system.broker.http}/api/queues/{system.id}", auth=login, timeout=10).json()
    (names,) = system.places.volume("rabbitmq-data").glob("data/*/quorum/*/names.dets")
    return all(q["name"].encode() in names.read_bytes() for q in queues if q["type"] == "quorum")


def kill(system: System) -> int:
    """Kills the broker's virtual machine; returns the pid that it had."""
    family = psutil.Process(system.pid(BROKER)).children(recursive=True)
    beam = next(process for process in family if process.name().startswith("beam"))
    beam.kill()
    return beam.pid


def test_orders_flow_through_three_deaths_of_the_broker_and_each_counts_once(own: System) -> None:
    shop = Shop(own)
    shop.stock("tea", PIECES)
    first = shop.place(("tea", 1))
    assert shop.wait([first])[first].status == "fulfilled"
    buyers_at = [f"c{number}@example.org" for number in range(BUYERS)]
    for email in buyers_at:
        shop.people.headers(email)
    eventually(lambda: remembers_its_queues(own), 20, "its queues are on disk")

    def buy(number: int) -> str:
        answer = shop.order(("tea", 2), email=buyers_at[number % BUYERS])
        assert answer.status_code == 202, "an order must be accepted whether there is a broker or not"
        return str(answer.json()["id"])

    def fulfilled() -> int:
        [row] = watching.rows(own, "order", "SELECT count(*) AS orders FROM orders WHERE status = 'fulfilled'")
        return int(row["orders"])

    pids = {name: own.pid(name) for name in own.services if name != BROKER}
    killed = []
    with ThreadPoolExecutor(BUYERS) as buyers:
        buying = [buyers.submit(buy, number) for number in range(ORDERS)]
        for moment in KILLED_AT:  # the first while orders come in, the others while those that waited are carried out
            eventually(lambda least=moment: fulfilled() > least, 150, f"more than {moment} orders are fulfilled")
            killed.append(kill(own))
        accepted = [first, *(bought.result() for bought in buying)]

    assert len(set(killed)) == len(KILLED_AT)
    assert fulfilled() < len(accepted), "the last death came too late to hurt"
    settled = shop.wait(accepted, within=150)
    assert Counter(order.status for order in settled.values()) == {"fulfilled": len(accepted)}
    assert shop.available("tea") == PIECES - 1 - 2 * ORDERS
    mails = shop.wait_for_mails(MAILS * len(accepted), within=150)
    assert Counter(mail["order_id"] for mail in mails) == dict.fromkeys(accepted, MAILS)
    # What was delivered twice has been suppressed by now, since each queue is served in order.
    last = shop.place(("tea", 1))
    assert [mail["order_id"] for mail in shop.wait_for_mails(MAILS, within=30, order_id=last)] == [last] * MAILS
    assert shop.available("tea") == PIECES - 2 - 2 * ORDERS
    assert len(shop.mails()) == MAILS * (len(accepted) + 1)
    ledger = judge(books.read({name: own.database_url(name) for name in books.STORES}), [*accepted, last])
    assert ledger.wrong == {}
    assert (ledger.fulfilled, ledger.under_way) == (len(accepted) + 1, [])
    assert {name: own.pid(name) for name in pids} == pids, "every service lived through it"


def test_whoever_listens_on_5672_is_left_alone(home: Callable[..., Path]) -> None:
    home()
    with socket.socket() as stranger:
        try:
            stranger.bind(("127.0.0.1", 5672))
        except OSError:
            pytest.skip("somebody here listens on 5672 already; every other test passes beside it")
        stranger.listen()
        system = System("apart", private_broker=True)
        try:
            system.up("user-service", "order-service", "inventory-service", "outside", timeout=90)
            shop = Shop(system)
            shop.stock("tea", 1)
            order = shop.place(("tea", 1))
            assert shop.wait([order])[order].status == "fulfilled"
            assert not system.address(BROKER, 5672).endswith(":5672")
        finally:
            system.down()

        with socket.create_connection(("127.0.0.1", 5672), 2) as known:
            _, visitor = stranger.accept()  # visitors wait in the order in which they came
            assert visitor == known.getsockname(), "we are not its first visitor"
