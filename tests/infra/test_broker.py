"""One broker for all, a vhost for each: systems that run at once do not meet."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from kombu import Connection

from labs.classroom.people import ADMINISTRATOR
from labs.classroom.shop import Shop
from labs.infra import broker as brokers
from labs.infra.broker import Broker
from labs.infra.system import System
from tests.ground import Ground


@pytest.fixture(scope="module")
def neighbour(shop: System) -> Iterator[System]:  # noqa: ARG001  both at once
    running = System("neighbour")
    try:
        running.up("user-service", "order-service", "inventory-service", "outside")
        yield running
    finally:
        running.down()


def ask(broker: Broker, path: str) -> Any:
    answer = requests.get(f"http://{broker.http}/api/{path}", auth=(brokers.ADMIN, broker.password), timeout=10)
    answer.raise_for_status()
    return answer.json()


def test_two_systems_share_the_broker_and_nothing_else(shop: System, neighbour: System) -> None:
    assert shop.broker == neighbour.broker
    assert shop.id != neighbour.id

    def ports(system: System) -> set[str]:
        return {system.address(name) for name in system.services if name != "rabbitmq" and system.address(name)}

    assert not ports(shop) & ports(neighbour)
    assert not shop.directory.is_relative_to(neighbour.directory)


def test_what_one_sells_the_other_does_not_know(shop: System, neighbour: System) -> None:
    here, there = Shop(shop), Shop(neighbour)
    here.stock("only-here", 5)
    order = here.place(("only-here", 1))
    assert here.wait([order])[order].status == "fulfilled"

    assert there.get("inventory-service", "/stock/only-here").status_code == 404
    assert there.get("order-service", f"/orders/{order}", ADMINISTRATOR).status_code == 404
    assert there.order(("only-here", 1)).status_code == 422
    assert there.mails(order_id=order) == []


@pytest.mark.parametrize("user", ["order", "inventory", "learner"])
def test_no_user_of_one_reaches_the_vhost_of_the_other(shop: System, neighbour: System, user: str) -> None:
    mine = shop.amqp_url(user)
    with Connection(mine, connect_timeout=5) as connection:
        connection.connect()

    trespass = Connection(mine.replace(f"/{shop.id}", f"/{neighbour.id}"), connect_timeout=5)
    with pytest.raises(Exception, match=r"(?i)not.allowed|access.*refused"):
        trespass.connect()
    assert not trespass.connected


def test_a_vhost_and_its_users_go_with_their_system(ground: Ground) -> None:  # noqa: ARG001
    passing = System("passing")
    try:
        passing.up("broker-setup")
        assert passing.broker
        assert passing.id in {vhost["name"] for vhost in ask(passing.broker, "vhosts")}
    finally:
        passing.down()

    assert passing.id not in {vhost["name"] for vhost in ask(passing.broker, "vhosts")}
    assert not [user for user in ask(passing.broker, "users") if user["name"].startswith(passing.id)]


def test_the_shared_brokers_facts_are_for_its_owner_alone(ground: Ground) -> None:
    path = ground.home / "broker.json"

    assert path.stat().st_mode & 0o077 == 0
    assert brokers.nearby(ground.home) == Broker(**json.loads(path.read_text()))


@pytest.mark.parametrize("text", ["", "{}", '{"amqp": "127.0.0.1:1", "http": "127.0.0.1:2", "password": "x"}'])
def test_facts_of_a_broker_that_is_gone_count_as_none(tmp_path, text: str) -> None:
    (tmp_path / "broker.json").write_text(text)

    assert brokers.nearby(tmp_path) is None
