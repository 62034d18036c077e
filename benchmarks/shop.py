"""What the shop can do: orders accepted per second beside programs that do less or do it in the common way, what a customer
waits for, what being watched costs. Side by side in one run, medians of three."""

import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import repeat
from uuid import uuid4

import requests

from benchmarks.figures import Figure, own_home
from labs.classroom.load import Request, closed_loop, open_loop
from labs.classroom.shop import EMAIL, UNDER_WAY, Shop
from labs.classroom.slips import NoAnswer
from labs.infra import shared_broker
from labs.infra.home import home
from labs.infra.system import System

ROUNDS = 3
SECONDS = 5.0
CLIENTS = 8
PATIENCE = 120.0
"""Seconds for one answer, or one mail: long enough that who is slow is measured and not cut off."""
LINES = {"lines": [{"sku": "tea", "quantity": 1}]}
WATCHED = ("order-api", "order-worker", "inventory-worker", "notification-worker", "outside")
"""The processes that an order goes through."""


def measure() -> Iterator[Figure]:
    """All figures of the shop, as they come; about six minutes."""
    with own_home(), shared_broker.running(home()):
        for part in (_throughput, _watching, _checkout, _waiting):
            yield from part()


def orders(url: str, headers: dict[str, str]) -> Iterator[Request]:
    """Orders without end, each with a key of its own."""
    return (Request("POST", url, LINES, {**headers, "Idempotency-Key": uuid4().hex}) for _ in repeat(None))


@contextmanager
def running(
    *names: str,
    through: str = "",
    change: Callable[[System], None] = lambda _system: None,
    private_broker: bool = False,
) -> Iterator[Shop]:
    """A shop with enough tea for everybody; `change` is called before it starts."""
    system = System("benchmark", private_broker=private_broker)
    try:
        change(system)
        system.up(*names, timeout=120)
        shop = Shop(system, through)
        shop.stock("tea", 1_000_000)
        shop.place(("tea", 1))
        yield shop
    finally:
        system.down()


def _throughput() -> list[Figure]:
    """In turns, so that a busy moment of the machine meets all of them."""
    with running() as shop:
        system = shop.where
        gateway = f"http://{system.address('gateway')}/orders"
        ways: dict[str, Callable[[], Iterator[Request]]] = {
            "shop": lambda: orders(gateway, shop.people.headers(EMAIL)),
            "direct": lambda: orders(shop.url("order-service", "/orders"), shop.people.headers(EMAIL)),
            "plain": _plain(system),
            "common": _common_way(system),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, requests_of in ways.items():
                closed_loop(requests_of(), CLIENTS, 1.0)
                rates[name].append(closed_loop(requests_of(), CLIENTS, SECONDS).rate(202))
                drain(shop)
    middle = {name: statistics.median(each) for name, each in rates.items()}
    return [
        Figure("orders accepted through the gateway, everything on", middle["shop"], "/s"),
        Figure("  without the gateway", middle["direct"], "/s"),
        Figure("  plain Flask that commits one row", middle["plain"], "/s"),
        Figure("  nameko HTTP, RPC, commit, dispatch", middle["common"], "/s"),
        Figure("the shop ÷ plain Flask", middle["shop"] / middle["plain"], at_least=0.4),
        Figure("the shop ÷ the common nameko way", middle["shop"] / middle["common"], at_least=5),
    ]


def _watching() -> list[Figure]:
    """Two shops at once, one in the dark; load in turns."""

    def dark(system: System) -> None:
        for name in WATCHED:
            quiet = {"LOG_LEVEL": "ERROR", "TRACE_RATIO": "0", "OTLP_ENDPOINT": "", "METRICS": "off"}
            system.services[name] = replace(
                system.services[name], environment={**system.services[name].environment, **quiet}
            )

    def watched(system: System) -> None:
        address = f"127.0.0.1:{system.places.claim()}"
        system.run("sink", [sys.executable, "-m", "benchmarks.yardsticks.sink", address], {})
        for name in WATCHED:
            seen = {"OTLP_ENDPOINT": f"http://{address}"}
            system.services[name] = replace(
                system.services[name], environment={**system.services[name].environment, **seen}
            )

    rates: dict[str, list[float]] = {"watched": [], "dark": []}
    with running(change=watched) as bright, running(change=dark) as night:
        for _ in range(ROUNDS):
            for name, shop in (("watched", bright), ("dark", night)):
                rates[name].append(closed_loop(orders_of(shop), CLIENTS, SECONDS).rate(202))
                drain(shop)
    middle = {name: statistics.median(each) for name, each in rates.items()}
    return [
        Figure(
            "accepted with logs, traces and metrics of each request ÷ without",
            middle["watched"] / middle["dark"],
            at_least=0.9,
        )
    ]


def _checkout() -> list[Figure]:
    """What a customer waits for the answer to an order, under the same load."""
    p95: dict[str, list[float]] = {"monolith": [], "services": []}
    failed = 0
    with running("monolith", "outside", through="monolith") as before, running() as after:
        for _ in range(ROUNDS):
            for name, shop in (("monolith", before), ("services", after)):
                report = open_loop(orders_of(shop), rate=20, seconds=10, timeout=PATIENCE)
                p95[name].append(report.percentile(95))
                failed += len(report.outcomes) - report.statuses()[202]
                drain(shop)
    middle = {name: statistics.median(each) for name, each in p95.items()}
    return [
        Figure("checkout P95 at 20 orders/s, monolith", middle["monolith"], "s"),
        Figure("  services", middle["services"], "s"),
        Figure("  monolith ÷ services", middle["monolith"] / middle["services"], at_least=10),
        Figure("  requests that failed", failed, at_most=0),
    ]


def _waiting() -> list[Figure]:
    """From the order's request to the mail in the customer's inbox, idle and at half of what the shop can take through."""
    with running() as shop:
        idle = [_mailed(shop) for _ in range(20)]
        capacity = _capacity(shop)
        busy: list[float] = []
        load = threading.Thread(target=open_loop, args=(orders_of(shop), capacity / 2, 20.0))
        load.start()
        while load.is_alive():
            busy.append(_mailed(shop))
    return [
        Figure("order placed → first mail there, idle, P50", statistics.median(idle), "s"),
        Figure("  P95", _p95(idle), "s"),
        Figure("orders fulfilled per second at most, everything on this machine", capacity, "/s"),
        Figure("order placed → first mail there, at half of that, P50", statistics.median(busy), "s"),
        Figure("  P95", _p95(busy), "s"),
    ]


def _capacity(shop: Shop) -> float:
    """Orders that go from placed to fulfilled per second when more come in than that."""
    begun = time.monotonic()
    report = closed_loop(orders_of(shop), CLIENTS, SECONDS)
    drain(shop)
    capacity = report.statuses()[202] / (time.monotonic() - begun)
    _mailed(shop)  # the mails of all these have gone out before this one's
    return capacity


def _mailed(shop: Shop) -> float:
    begun = time.monotonic()
    order = shop.place(("tea", 1))
    if not shop.wait_for_mails(1, within=PATIENCE, order_id=order):
        raise RuntimeError(f"nobody was told of order {order}")
    return time.monotonic() - begun


def drain(shop: Shop, within: float = 600) -> None:
    """Wait until no order is under way, so that what is measured next has the machine for itself."""
    deadline = time.monotonic() + within
    while _under_way(shop):
        if time.monotonic() > deadline:
            raise RuntimeError("orders are stuck")
        time.sleep(0.2)


def _under_way(shop: Shop) -> bool:
    try:
        return any(shop.orders(status=status, limit=1) for status in UNDER_WAY)
    except NoAnswer:  # it has so many that it does not come to this question
        return True


def orders_of(shop: Shop) -> Iterator[Request]:
    return orders(shop.url("order-service", "/orders"), shop.people.headers(EMAIL))


def _plain(system: System) -> Callable[[], Iterator[Request]]:
    """Started under the system's guard, as JupyterLab is."""
    address = f"127.0.0.1:{system.places.claim()}"
    settings = ["--bind", address, "--workers", "1", "--worker-class", "gthread", "--threads", str(CLIENTS)]
    command = [sys.executable, "-m", "gunicorn", *settings, "benchmarks.yardsticks.plain:app"]
    system.run("plain", command, {"DATABASE": str(system.directory / "plain.db")})
    return _once_it_answers(f"http://{address}/orders")


def _common_way(system: System) -> Callable[[], Iterator[Request]]:
    address = f"127.0.0.1:{system.places.claim()}"
    known = {"AMQP_URL": system.amqp_url(), "DATABASE": str(system.directory / "common.db"), "EVENTLET_TESTS": "1"}
    for role in ("listener", "orders", "gateway"):
        command = [sys.executable, "-m", "benchmarks.yardsticks.common_way", role]
        system.run(f"common-{role}", command, known | ({"BIND": address} if role == "gateway" else {}))
    return _once_it_answers(f"http://{address}/orders")


def _once_it_answers(url: str) -> Callable[[], Iterator[Request]]:
    deadline = time.monotonic() + 30
    while True:
        try:
            if requests.post(url, json=LINES, timeout=5).status_code == requests.codes.accepted:
                return lambda: orders(url, {})
        except requests.RequestException as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{url} does not take orders: {error}") from error
        time.sleep(0.1)


def _p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]
