"""The shop's own services together: one correlation id through all of them, and mails that outlive what carries them."""

import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
import requests

from labs.infra.system import System
from tests.services.delivery.stand import eventually

PROCESSES = ("order-api", "order-worker", "inventory-worker", "notification-worker")


@pytest.fixture(scope="module")
def shop(broker) -> Iterator[System]:
    system = System("delivery")
    try:
        assert broker.answers
        system.up("user-service", "order-service", "inventory-service", "notification-service", "outside")
        yield system
    finally:
        system.down()


def order(shop: System, sku: str, correlation_id: str = "") -> str:
    answer = requests.post(
        f"http://{shop.address('order-service')}/orders",
        json={"customer_email": f"{uuid4().hex}@example.org", "lines": [{"sku": sku, "quantity": 1}]},
        headers={"X-Correlation-ID": correlation_id},
        timeout=10,
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def mails(shop: System, order_id: str) -> list[dict[str, str]]:
    return requests.get(f"http://{shop.address('inbox')}/mails", {"order_id": order_id}, timeout=10).json()


def statuses(shop: System, order_id: str) -> list[str]:
    address = shop.address("notification-service")
    found = requests.get(f"http://{address}/notifications", {"order_id": order_id}, timeout=10).json()
    return [notification["status"] for notification in found]


def lines(shop: System, process: str) -> list[dict]:
    return [json.loads(line) for line in shop.log(process).read_text().splitlines()]


def test_one_correlation_id_goes_from_the_request_through_every_event_into_the_logs_of_all_services(shop):
    order_id = order(shop, "nothing", "c-of-this-order")
    eventually(lambda: mails(shop, order_id), "the customer is told")
    for process in PROCESSES:
        named = [
            line for line in lines(shop, process) if line.get("labels", {}).get("correlation_id") == "c-of-this-order"
        ]
        assert named, f"{process} does not name it"


def test_every_line_of_every_process_is_elastic_common_schema(shop):
    order_id = order(shop, "nothing")
    eventually(lambda: mails(shop, order_id), "an order went through")
    for process in (*PROCESSES, "inventory-api", "notification-api", "outside"):
        said = lines(shop, process)
        assert said or process.endswith("-api") or process == "outside", f"{process} says nothing"
        for line in said:
            assert {"@timestamp", "log.level", "message", "ecs.version", "service"} <= line.keys(), line
            assert line["service"]["name"] == shop.services[process].group


def test_mails_wait_while_the_mail_server_is_away_and_go_out_when_it_is_back(shop):
    shop.stop("outside")
    placed = [order(shop, "nothing") for _ in range(5)]
    eventually(lambda: all(statuses(shop, each) == ["pending"] for each in placed), "mails are recorded and wait")
    shop.start("outside")
    eventually(lambda: all(statuses(shop, each) == ["sent"] for each in placed), "they are sent")
    assert [len(mails(shop, each)) for each in placed] == [1] * 5


def test_a_worker_killed_between_the_mail_and_its_mark_sends_it_again_under_the_same_id(shop):
    shop.stop("outside")
    order_id = order(shop, "nothing")
    eventually(lambda: statuses(shop, order_id) == ["pending"], "the mail waits")
    database = shop.places.volume("notification-data") / "notification.db"
    with closing(sqlite3.connect(database, timeout=5)) as lock:
        lock.execute("BEGIN IMMEDIATE")  # the mark has to wait
        shop.start("outside")
        eventually(lambda: mails(shop, order_id), "the mail is out")
        os.kill(shop.pid("notification-worker"), signal.SIGKILL)
        lock.rollback()
    eventually(lambda: statuses(shop, order_id) == ["sent"], "the next worker sends and marks it")
    first, second = mails(shop, order_id)
    assert first["message_id"] == second["message_id"]
