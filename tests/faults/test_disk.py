"""A disk that is full or read-only is said in words, and takes no system down that runs."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from labs.classroom import books
from labs.classroom.ledger import judge
from labs.classroom.shop import Shop
from labs.infra.home import PROJECT
from labs.infra.start_error import StartError
from labs.infra.system import BROKER, System
from tests.faults.conftest import as_root
from tests.infra.nodes import eventually

Home = Callable[..., Path]


@contextmanager
def disk(at: Path, megabytes: int) -> Iterator[Path]:
    """A small disk of its own."""
    at.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "lab", str(at)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def fill(place: Path, leave: int = 0) -> Path:
    """Until nothing more goes onto it, then `leave` bytes are given back."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 65536):
            pass
    with filler.open("r+b") as file:
        file.truncate(max(0, filler.stat().st_size - leave))
    return filler


def lab_up(*words: str) -> "subprocess.CompletedProcess[str]":
    lab = Path(sys.executable).with_name("lab")
    return subprocess.run(
        [str(lab), "up", *words],
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=PROJECT,
    )


@pytest.fixture
def small_disk(home: Home, tmp_path: Path) -> Iterator[tuple[Home, Path]]:
    as_root()
    with disk(tmp_path / "disk", 24) as place:
        yield home, place


def test_a_full_disk_at_the_start_is_said_in_words(small_disk: tuple[Home, Path]) -> None:
    home, place = small_disk
    home(inside=place)
    fill(place)

    with pytest.raises(StartError, match=r"The disk is full: .*\nMake room, or choose another place: LAB_HOME="):
        System("shop")
    said = lab_up("outside")
    assert said.returncode == 1
    assert "The disk is full" in said.stdout
    assert "Traceback" not in said.stdout + said.stderr


def test_a_service_that_finds_the_disk_full_at_its_start_is_told_with_the_reason(small_disk: tuple[Home, Path]) -> None:
    home, place = small_disk
    home(inside=place)
    system = System("shop", cold=True)
    try:
        fill(place, leave=40_000)
        with pytest.raises(StartError) as error:
            system.up("order-migrate")
    finally:
        system.down()

    assert "order-migrate ended with exit code 1 while it started." in str(error.value)
    assert "The disk is full: " in str(error.value)
    assert "Make room, or choose another place: LAB_HOME=" in str(error.value)


def test_a_read_only_disk_is_said_in_words(small_disk: tuple[Home, Path]) -> None:
    home, place = small_disk
    home(inside=place)
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    try:
        with pytest.raises(StartError, match=r"The disk is read-only: .*\nMount it writable, or choose"):
            System("shop")
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)


def test_a_disk_that_fills_up_takes_nothing_down_and_loses_nothing(home: Home, tmp_path: Path) -> None:
    as_root()
    with disk(tmp_path / "disk", 128) as place:
        home(inside=place)
        system = System("shop")
        try:
            system.up(timeout=90)
            shop = Shop(system)
            shop.stock("tea", 100)
            before = [shop.place(("tea", 1)) for _ in range(5)]
            assert {order.status for order in shop.wait(before).values()} == {"fulfilled"}
            pids = {name: system.pid(name) for name in system.services}
            filler = fill(place)

            refused = _until_refused(shop)
            assert refused.status_code >= 500
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert shop.status(before[0]) == "fulfilled"

            assert system.pid(BROKER) == pids[BROKER]
            filler.unlink()
            # RabbitMQ lives, but its quorum queues may have given up and stay down until then: rabbitmq/ra, issue 585.
            system.restart(BROKER, timeout=90)
            eventually(lambda: shop.order(("tea", 1)).status_code == 202, 30, "orders are accepted again")
            after = shop.orders(limit=100)
            settled = shop.wait([order["id"] for order in after], within=60)
            assert {order.status for order in settled.values()} == {"fulfilled"}
            assert shop.available("tea") == 100 - len(after)
            assert judge(books.read({name: system.database_url(name) for name in books.STORES})).settled
            assert {name for name, pid in pids.items() if system.pid(name) != pid} == {BROKER}
        finally:
            system.down()


def _until_refused(shop: Shop) -> requests.Response:
    """The first order that is not accepted: SQLite may have a little room left in its files."""
    found: list[requests.Response] = []

    def refused() -> bool:
        found.append(shop.order(("tea", 1)))
        return found[-1].status_code != 202

    eventually(refused, 60, "an order is refused")
    return found[-1]
