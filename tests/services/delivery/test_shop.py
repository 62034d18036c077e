"""The shop's own services together: one correlation id through all of them, and mails that outlive what carries them."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import create_engine, text

from labs.classroom.people import ADMINISTRATOR
from labs.classroom.shop import Shop
from labs.infra.system import System
from tests.services.delivery.stand import eventually

PROCESSES = ("order-api", "order-worker", "inventory-worker", "notification-worker")


@pytest.fixture(scope="module")
def system(broker) -> Iterator[System]:
    running = System("delivery")
    try:
        assert broker.answers
        running.up("user-service", "order-service", "inventory-service", "notification-service", "outside")
        yield running
    finally:
        running.down()


@pytest.fixture(scope="module")
def shop(system: System) -> Shop:
    """Its shelf is empty, so each order ends with one mail, which says so."""
    shop = Shop(system)
    shop.offer("nothing")
    return shop


def statuses(shop: Shop, order_id: str) -> list[str]:
    told = shop.get("notification-service", "/notifications", ADMINISTRATOR, params={"order_id": order_id}).json()
    return [notification["status"] for notification in told["items"]]


def lines(system: System, process: str) -> list[dict]:
    return [json.loads(line) for line in system.log(process).read_text().splitlines()]


def test_one_correlation_id_goes_from_the_request_through_every_event_into_the_logs_of_all_services(shop, system):
    body = {"lines": [{"sku": "nothing", "quantity": 1}]}
    headers = {"X-Correlation-ID": "c-of-this-order", "Idempotency-Key": "of-this-order"}
    order_id = shop.post("order-service", "/orders", body, "customer@example.org", headers=headers).json()["id"]
    eventually(lambda: shop.mails(order_id=order_id), "the customer is told")
    for process in PROCESSES:
        named = [
            line for line in lines(system, process) if line.get("labels", {}).get("correlation_id") == "c-of-this-order"
        ]
        assert named, f"{process} does not name it"


def test_every_line_of_every_process_is_elastic_common_schema(shop, system):
    order_id = shop.place(("nothing", 1))
    eventually(lambda: shop.mails(order_id=order_id), "an order went through")
    assert statuses(shop, order_id)
    for process in (*PROCESSES, "user-api", "user-worker", "inventory-api", "notification-api", "outside"):
        said = lines(system, process)
        assert said, f"{process} says nothing"
        for line in said:
            assert {"@timestamp", "log.level", "message", "ecs.version", "service"} <= line.keys(), line
            assert line["service"]["name"] == system.services[process].group


def test_mails_wait_while_the_mail_server_is_away_and_go_out_when_it_is_back(shop, system):
    system.stop("outside")
    placed = [shop.place(("nothing", 1)) for _ in range(5)]
    eventually(lambda: all(statuses(shop, each) == ["pending"] for each in placed), "mails are recorded and wait")
    system.start("outside")
    eventually(lambda: all(statuses(shop, each) == ["sent"] for each in placed), "they are sent")
    assert [len(shop.mails(order_id=each)) for each in placed] == [1] * 5


def test_a_worker_killed_between_the_mail_and_its_mark_sends_it_again_under_the_same_id(shop, system):
    shop.send("PUT", "outside", "/faults/smtp_timeout_after", json={"on": True}).raise_for_status()
    order_id = shop.place(("nothing", 1))
    eventually(lambda: shop.mails(order_id=order_id), "the mail is out, and its sender does not know")
    os.kill(system.pid("notification-worker"), signal.SIGKILL)
    assert statuses(shop, order_id) == ["pending"]
    shop.send("DELETE", "outside", "/faults").raise_for_status()
    end_leases(system)
    eventually(lambda: statuses(shop, order_id) == ["sent"], "the next worker sends and marks it")
    first, second = shop.mails(order_id=order_id)
    assert first["message_id"] == second["message_id"]


def end_leases(system: System) -> None:
    """The time for which a dead worker holds on to its notifications has passed."""
    engine = create_engine(system.database_url("notification"), connect_args={"timeout": 10})
    with closing(engine.connect()) as store, store.begin():
        store.execute(text("UPDATE notifications SET due_at = 0 WHERE status = 'pending'"))
    engine.dispose()
