"""The broker is killed while orders flow, and stands beside somebody else's; nothing is lost, nothing doubled."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from labs.classroom.shop import Shop
from labs.infra import broker as brokers
from labs.infra.system import BROKER, System
from labs.services.chassis.probe import probe
from tests.infra.nodes import eventually

ORDERS, KILLS = 120, 2
PIECES = 1000


@pytest.fixture
def own(home: Callable[..., Path]) -> Iterator[System]:
    home()
    system = System("own-broker", private_broker=True)
    try:
        system.up(timeout=90)
        yield system
    finally:
        system.down()


def beam(system: System) -> psutil.Process | None:
    """The broker's virtual machine, once it takes connections."""
    if probe(f"amqp://{system.address(BROKER, 5672)}"):
        return None
    family = psutil.Process(system.pid(BROKER)).children(recursive=True)
    return next((process for process in family if process.name().startswith("beam")), None)


def remembers_its_queues(system: System) -> bool:
    """Whether the broker has the names of all quorum queues on disk. RabbitMQ 3.10 writes them up to three seconds late, and a
    queue that it forgot has no leader ever after."""
    assert system.broker
    login = (brokers.ADMIN, system.broker.password)
    queues = requests.get(f"http://{system.broker.http}/api/queues/{system.id}", auth=login, timeout=10).json()
    (names,) = system.places.volume("rabbitmq-data").glob("data/*/quorum/*/names.dets")
    return all(q["name"].encode() in names.read_bytes() for q in queues if q["type"] == "quorum")


def kill_when_ready(system: System) -> int:
    """Kills the broker as soon as it serves; returns the pid that it had."""
    found: list[psutil.Process] = []
    eventually(lambda: bool(found.extend(filter(None, [beam(system)])) or found), 60, "the broker serves")
    found[0].kill()
    return found[0].pid


def test_orders_flow_through_two_deaths_of_the_broker_and_each_counts_once(own: System) -> None:
    shop = Shop(own)
    shop.stock("tea", PIECES)
    first = shop.place(("tea", 1))
    assert shop.wait([first])[first].status == "confirmed"

    eventually(lambda: remembers_its_queues(own), 20, "its queues are on disk")

    accepted = [first]
    killed: list[int] = []
    dying: list[threading.Thread] = []
    for number in range(ORDERS):
        if number in (20, 70):  # while orders are being placed, and while those of before are on their way
            for thread in dying:
                thread.join()  # the second death must find it alive again
            dying.append(threading.Thread(target=lambda: killed.append(kill_when_ready(own))))
            dying[-1].start()
        answer = shop.order(("tea", 2), email=f"c{number}@example.org")
        assert answer.status_code == 202, "an order must be accepted whether there is a broker or not"
        accepted.append(answer.json()["id"])
    for thread in dying:
        thread.join()

    assert len(set(killed)) == KILLS, "it was killed twice, as two processes"
    settled = shop.wait(accepted, within=90)
    assert Counter(order.status for order in settled.values()) == {"confirmed": len(accepted)}
    assert shop.available("tea") == PIECES - 1 - 2 * ORDERS
    mails = Counter(mail["order_id"] for mail in shop.wait_for_mails(len(accepted), within=60))
    assert mails == dict.fromkeys(accepted, 1)
    # What was delivered twice has been suppressed by now, since each queue is served in order.
    last = shop.place(("tea", 1))
    assert [mail["order_id"] for mail in shop.wait_for_mails(1, within=30, order_id=last)] == [last]
    assert shop.available("tea") == PIECES - 2 - 2 * ORDERS
    assert len(shop.mails()) == len(accepted) + 1


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
            system.up("order-service", "inventory-service", timeout=90)
            shop = Shop(system)
            shop.stock("tea", 1)
            order = shop.place(("tea", 1))
            assert shop.wait([order])[order].status == "confirmed"
            assert not system.address(BROKER, 5672).endswith(":5672")
        finally:
            system.down()

        with socket.create_connection(("127.0.0.1", 5672), 2) as known:
            _, visitor = stranger.accept()  # visitors wait in the order in which they came
            assert visitor == known.getsockname(), "we are not its first visitor"
