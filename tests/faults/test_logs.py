"""A shop at work whose logs are moved aside every few orders: whatever it did stands in one of their files, once."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, text

from labs.classroom.load import Request, closed_loop
from labs.classroom.people import ADMINISTRATOR
from labs.classroom.shop import EMAIL, Shop
from labs.infra.logging import files
from labs.infra.logging.asking import Logs
from labs.infra.logging.files import Tail
from labs.infra.system import System
from tests.ground import Ground
from tests.infra.nodes import eventually

SIZE, KEPT = 20_000, 400
"""A file holds the lines of five orders or so, and none is removed."""
ORDERS = 60
WRITERS = ("order-api", "order-worker", "inventory-worker", "notification-worker", "outside")


@pytest.fixture(scope="module")
def shop(ground: Ground) -> Iterator[Shop]:  # noqa: ARG001  its broker is shared
    """Which has taken some dozen orders, eight at a time, while somebody read its logs along."""
    system = System("rotating")
    for name, service in system.services.items():
        small = {"LOG_SIZE": str(SIZE), "LOG_KEPT": str(KEPT)}
        system.services[name] = replace(service, environment={**service.environment, **small})
    try:
        system.up("user-service", "order-service", "inventory-service", "notification-service", "outside", timeout=120)
        made = Shop(system)
        made.stock("tea", ORDERS)
        yield made
    finally:
        system.down()


@pytest.fixture(scope="module")
def read_along(shop: Shop) -> dict[str, list[str]]:
    """The lines that somebody heard of each process while it took its orders."""
    tails = {name: Tail(shop.where.log(name), watched=KEPT) for name in WRITERS}
    heard: dict[str, list[str]] = {name: [] for name in WRITERS}
    over = threading.Event()

    def listen() -> None:
        while not over.wait(0.05):
            for name, tail in tails.items():
                heard[name] += tail.read()

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        _order(shop)
    finally:
        over.set()
        listener.join()
    for name, tail in tails.items():
        heard[name] += tail.read()
        tail.close()
    return heard


def _order(shop: Shop) -> None:
    url, headers = shop.url("order-service", "/orders"), shop.people.headers(EMAIL)
    body = {"lines": [{"sku": "tea", "quantity": 1}]}
    wanted = (Request("POST", url, body, {**headers, "Idempotency-Key": f"of-{n}"}) for n in range(ORDERS))
    assert closed_loop(islice(wanted, ORDERS), 8, 120, timeout=60).statuses() == {202: ORDERS}
    eventually(lambda: not [o for o in shop.orders(limit=100) if o["status"] != "fulfilled"], 120, "all are fulfilled")
    # A worker still has something to say when a mail has arrived or an order is fulfilled: what its last events say of both.
    eventually(
        lambda: len(rows(shop, "notification", TOLD)) >= 3 * ORDERS, 120, "all customers are told, and that they are"
    )
    eventually(
        lambda: set(rows(shop, "order", FULFILLED)) <= set(rows(shop, "inventory", HANDLED)), 60, "stock knows all"
    )
    eventually(lambda: not waiting(shop), 60, "all events have left")


def rows(shop: Shop, service: str, query: str) -> list[tuple[str, ...]]:
    engine = create_engine(shop.where.database_url(service), connect_args={"timeout": 30})
    with engine.connect() as store:
        found = [tuple(row) for row in store.execute(text(query))]
    engine.dispose()
    return found


def waiting(shop: Shop) -> list[tuple[str, ...]]:
    return [row for service in ("order", "inventory", "notification") for row in rows(shop, service, WAITING)]


TOLD = "SELECT event_id FROM outbox WHERE type = 'notification_sent' AND sent_at IS NOT NULL"
FULFILLED = "SELECT event_id FROM outbox WHERE type = 'order_fulfilled'"
HANDLED = "SELECT event_id FROM inbox"
WAITING = "SELECT event_id FROM outbox WHERE sent_at IS NULL AND type NOT LIKE 'user_%' AND type <> 'price_changed'"


def test_every_event_that_was_told_or_handled_stands_in_a_log_once(shop, read_along):
    assert all(read_along.values())
    with Logs(shop.where.places.logs) as logs:
        for service in ("order", "inventory", "notification"):
            for verb, asked in (("told", "SELECT event_id FROM outbox WHERE sent_at IS NOT NULL"),
                                ("handling", "SELECT event_id FROM inbox")):  # fmt: skip
                done = Counter(event for (event,) in rows(shop, service, asked))
                said = "SELECT event_id FROM logs WHERE process = ? AND message LIKE ?"
                lines = Counter(row["event_id"] for row in logs.rows(said, [f"{service}-worker", f"{verb} %"]))
                assert len(done) >= ORDERS, f"{service} {verb}"
                assert lines == done, f"{service} {verb}"


def test_every_request_that_was_counted_stands_in_a_log_once(shop, read_along):
    assert all(read_along.values())
    counted, told = 0, 0

    def look() -> bool:
        nonlocal counted, told
        page = shop.get("order-service", "/metrics").text
        counted = sum(
            int(sample.value)
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == "http_server_request_duration_seconds_count"
        )
        with Logs(shop.where.places.logs) as logs:
            asked = "SELECT count(*) AS n FROM logs WHERE process = 'order-api' AND method IS NOT NULL"
            told = logs.rows(asked)[0]["n"]
        return counted == told

    eventually(look, 10, f"counted {counted}, told {told}")
    assert counted > ORDERS
    assert shop.get("order-service", "/orders", ADMINISTRATOR).ok


def test_the_logs_were_moved_aside_many_times(shop, read_along):
    assert all(read_along.values())
    for name in WRITERS:
        assert len(list(shop.where.places.logs.glob(f"{name}.*.log"))) >= 3, name


def test_a_master_process_that_hardly_ever_speaks_does_so_into_the_newest_file(shop, read_along):
    assert all(read_along.values())
    log = shop.where.log("order-api")
    before = files.mark(log)
    (worker,) = psutil.Process(shop.where.pid("order-api")).children()
    worker.kill()
    eventually(lambda: "was sent SIGKILL" in files.text(log, before), 30, "gunicorn says what became of its worker")


def test_who_read_along_heard_what_the_files_say(shop, read_along):
    with Logs(shop.where.places.logs) as logs:
        for name in WRITERS:
            said = "SELECT count(*) AS n FROM logs WHERE process = ? AND message NOT LIKE 'GET %'"
            there = logs.rows(said, [name])[0]["n"]
            heard = [line for line in read_along[name] if '"message":"GET ' not in line]
            assert len(heard) == len(set(heard)) == there, name
