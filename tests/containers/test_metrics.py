"""Who watches the shop in containers: all of it is scraped, an order is counted, a dead letter rings until it is dealt with.
The times are production's here, so an alert takes a minute or two."""

from collections.abc import Iterator

import pytest
from kombu import Connection, Queue

from labs.classroom.metrics import Monitor
from labs.classroom.shop import Shop
from labs.infra.docker import Containers
from labs.services.chassis import topology
from tests.containers.test_lifecycle import OURS
from tests.infra.nodes import eventually
from tests.metrics.test_alerts import HANDLER

PATIENCE = 240
"""Seconds: two scrapes, an evaluation, and what Alertmanager waits for others of the kind, or between two calls."""


@pytest.fixture(scope="module")
def monitor(containers: Containers) -> Iterator[Monitor]:
    """What the shop's Prometheus and its pager say."""
    containers.profiles.add("metrics")
    try:
        containers.up("prometheus")
        yield Monitor(containers)
    finally:
        containers.profiles.remove("metrics")
        containers.compose("rm", "--stop", "--force", "prometheus", "alertmanager", capture_output=True)


def test_all_of_it_is_scraped(monitor: Monitor) -> None:
    wanted = {*OURS, "gateway", "rabbitmq"}
    eventually(
        lambda: wanted <= set(monitor.table("up == 1").get("instance", ())), PATIENCE, "every container is scraped"
    )


def test_an_order_is_counted(monitor: Monitor, shop: Shop) -> None:
    placed = "sum(orders_placed_total) or vector(0)"
    before = monitor.value(placed)
    shop.stock("counted", 3)
    orders = [shop.place(("counted", 1)) for _ in range(3)]
    assert {order.status for order in shop.wait(orders, within=30).values()} == {"fulfilled"}
    eventually(lambda: monitor.value(placed) >= before + 3, PATIENCE, "they are in the next scrape")


def test_a_dead_letter_rings_until_it_is_dealt_with(containers: Containers, monitor: Monitor) -> None:
    password, there = containers.variables["PASSWORD_LEARNER"], containers.address("rabbitmq", 5672)
    with Connection(f"amqp://shop.learner:{password}@{there}/shop", connect_timeout=5) as broker:
        broker.Producer().publish(
            b"no event at all", routing_key=HANDLER, content_type="application/json", content_encoding="utf-8"
        )
        page = monitor.rings("DeadLetters", PATIENCE)
        assert (page["severity"], page["labels"]["job"]) == ("ticket", "inventory-service")
        Queue(topology.dead("inventory-service"), channel=broker.channel()).purge()
        assert monitor.is_quiet("DeadLetters", PATIENCE)["ended_at"] > page["began_at"]
