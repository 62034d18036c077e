"""Those who watch may hang, freeze, die or fill their disk: nobody who buys notices, and no order is lost."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from labs.classroom import books
from labs.classroom.customers import Customers, buying
from labs.classroom.ledger import judge
from labs.classroom.metrics import Monitor
from labs.classroom.shop import Shop
from labs.classroom.slips import Slip
from labs.infra.system import PROMETHEUS, System
from tests.faults.conftest import as_root
from tests.faults.test_disk import fill
from tests.ground import Ground
from tests.infra.nodes import eventually

RATE = 4.0
SCRAPED = ("order-api", "order-worker", "inventory-worker", "outside")


@pytest.fixture(scope="module")
def watched(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its broker is shared
    """The whole shop, watched. What watches it may be hurt."""
    running = System("watchers", profiles=["metrics"])
    try:
        running.up(timeout=120)
        yield running
    finally:
        running.down()


@pytest.fixture(scope="module")
def shop(watched: System) -> Shop:
    made = Shop(watched)
    made.stock("tea", 100_000)
    return made


@contextmanager
def nobody_notices(watched: System, shop: Shop) -> Iterator[Customers]:
    """Customers buy while this lasts; afterwards all their orders are accepted and fulfilled, and the books agree."""
    with buying(shop, RATE) as customers:
        eventually(lambda: len(customers.accepted) >= 4, 30, "customers buy")
        yield customers
        bought = len(customers.accepted)
        eventually(lambda: len(customers.accepted) >= bought + 8, 30, "they go on buying")
    assert set(customers.statuses) == {202}, customers.statuses
    ended = shop.wait(customers.accepted, within=120)
    assert {order.status for order in ended.values()} == {"fulfilled"}
    urls = {name: watched.database_url(name) for name in books.STORES}
    eventually(lambda: judge(books.read(urls), customers.accepted).settled, 60, "the books agree and nothing is lost")


def scrapes_again(watched: System, process: str = "order-api") -> None:
    """Prometheus has fresh numbers of a process."""
    monitor = Monitor(watched)

    def fresh() -> bool:
        try:
            return monitor.value(f'time() - max(timestamp(up{{instance="{process}"}} == 1))') < 3
        except Slip:  # it is just starting
            return False

    eventually(fresh, 60, "Prometheus scrapes again")


def test_scrapes_that_hang_hold_up_nobody(watched: System, shop: Shop) -> None:
    with ExitStack() as hanging, nobody_notices(watched, shop):
        for name in SCRAPED:
            host, _, port = watched.address(name).rpartition(":")
            for asked in (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20, b"GET /metr"):
                for _ in range(15):
                    client = hanging.enter_context(socket.socket())
                    client.setsockopt(
                        socket.SOL_SOCKET, socket.SO_RCVBUF, 2048
                    )  # it reads nothing, and has room for nothing
                    client.connect((host, int(port)))
                    client.sendall(asked)
    scrapes_again(watched)


def test_a_prometheus_that_freezes_in_the_middle_of_a_scrape_holds_up_nobody(watched: System, shop: Shop) -> None:
    frozen = watched.pid(PROMETHEUS)
    with nobody_notices(watched, shop):
        os.kill(frozen, signal.SIGSTOP)
        try:
            before = time.monotonic()
            eventually(lambda: time.monotonic() - before > 3, 10, "three scrapes have not come")
        finally:
            os.kill(frozen, signal.SIGCONT)
    scrapes_again(watched)


def test_a_prometheus_that_dies_comes_back_and_holds_up_nobody(watched: System, shop: Shop) -> None:
    dead = watched.pid(PROMETHEUS)
    with nobody_notices(watched, shop):
        os.kill(dead, signal.SIGKILL)
        eventually(lambda: watched.pid(PROMETHEUS) not in (0, dead), 30, "its guard starts it again")
    scrapes_again(watched)


def test_a_prometheus_whose_disk_is_full_holds_up_nobody(watched: System, shop: Shop) -> None:
    as_root()
    watched.stop(PROMETHEUS)
    place = watched.places.volume("prometheus-data")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "lab", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        watched.start(PROMETHEUS)
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        watched.start(PROMETHEUS)
        fill(place)
        log = watched.log(PROMETHEUS)
        with nobody_notices(watched, shop):
            # It writes by mapped memory too, and then a full disk is a bus error: the guard starts it again and again.
            eventually(
                lambda: re.search("no space left|SIGBUS", log.read_text()), 60, "it notices that its disk is full"
            )
    finally:
        watched.stop(PROMETHEUS)
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        watched.start(PROMETHEUS)
    scrapes_again(watched)


def test_a_pager_that_is_out_of_order_hears_of_the_alert_once_it_is_mended(watched: System, shop: Shop) -> None:
    monitor = Monitor(watched)
    broken = shop.send("PUT", "outside", "/faults/pager_500", json={"on": True})
    assert broken.ok
    scrapes_again(watched, "notification-worker")  # who was never seen up is not down
    with nobody_notices(watched, shop):
        watched.stop("notification-worker")
        eventually(lambda: tries(shop) >= 2, 60, "Alertmanager tries again and again")
        assert monitor.pages("ProcessDown") == []
        mended = shop.send("PUT", "outside", "/faults/pager_500", json={"on": False})
        assert mended.ok
        assert monitor.rings("ProcessDown", within=60)["labels"]["instance"] == "notification-worker"
        watched.start("notification-worker")
    monitor.is_quiet("ProcessDown", within=60)


def tries(shop: Shop) -> int:
    """How many notifications the pager has refused."""
    faults = {each["name"]: each for each in shop.get("outside", "/faults").json()["items"]}
    return int(faults["pager_500"]["requests"])
