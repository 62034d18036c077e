"""What a service may do at the broker with its own name and password, whoever has taken it over: nothing that is another's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import permutations
from typing import Any

import pytest
import requests
from amqp.exceptions import AccessRefused, NotAllowed
from kombu import Connection
from kombu.transport.pyamqp import Channel

from labs.infra.broker import ADMIN
from labs.infra.system import System
from labs.services.chassis import topology
from labs.services.chassis.events import exchange

SERVICES = ("user", "order", "inventory", "notification")
PAIRS = list(permutations(SERVICES, 2))
RESERVED = ("amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic", "amq.rabbitmq.trace")


@contextmanager
def channel(target: System, service: str) -> Iterator[Channel]:
    """As this service."""
    with Connection(target.amqp_url(service), connect_timeout=5) as connection:
        yield connection.channel()


def refused(target: System, service: str, attempt: Callable[[Channel], Any]) -> bool:
    """Whether the broker refuses it, at once or with the next answer."""
    with channel(target, service) as asked:
        try:
            attempt(asked)
            asked.queue_declare(f"{service}-service.asked", passive=False, auto_delete=True, durable=True)
        except (AccessRefused, NotAllowed):
            return True
        asked.queue_delete(f"{service}-service.asked")
    return False


def names(target: System, kind: str) -> list[str]:
    """Of all queues or exchanges of the shop."""
    assert target.broker is not None
    url = f"http://{target.broker.http}/api/{kind}/{target.id}"
    return [each["name"] for each in requests.get(url, auth=(ADMIN, target.broker.password), timeout=10).json()]


def of(target: System, kind: str, service: str) -> list[str]:
    """Those that are this service's."""
    return [
        name
        for name in names(target, kind)
        if name.startswith(f"{service}-service.") or f"--{service}-service." in name
    ]


@pytest.mark.parametrize(("service", "other"), PAIRS)
def test_no_queue_of_another_is_read_emptied_deleted_or_bound(target, service, other):
    queues = of(target, "queues", other)
    assert other == "user" or len(queues) > 4  # user-service listens to nobody
    for queue in queues:
        assert refused(target, service, lambda asked, queue=queue: asked.basic_get(queue))
        assert refused(target, service, lambda asked, queue=queue: asked.basic_consume(queue, no_ack=True))
        assert refused(target, service, lambda asked, queue=queue: asked.queue_purge(queue))
        assert refused(target, service, lambda asked, queue=queue: asked.queue_delete(queue))
        assert refused(
            target, service, lambda asked, queue=queue: asked.queue_bind(queue, exchange("order-service"), "#")
        )
        assert refused(
            target, service, lambda asked, queue=queue: asked.queue_unbind(queue, exchange("order-service"), "#")
        )


@pytest.mark.parametrize(("service", "other"), PAIRS)
def test_nobody_speaks_for_another(target, service, other):
    message = {"body": b"{}", "content_type": "application/json"}
    exchanges = of(target, "exchanges", other)
    assert exchange(f"{other}-service") in exchanges
    for name in exchanges:
        assert refused(
            target, service, lambda asked, name=name: asked.basic_publish(asked.prepare_message(**message), name, "x")
        ), f"{service}-service may publish to {name}"
        assert refused(target, service, lambda asked, name=name: asked.exchange_delete(name))


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_reaches_a_queue_past_its_exchange_or_an_exchange_of_the_brokers_own(target, service):
    message = {"body": b"{}", "content_type": "application/json"}
    reserve = "evt-order-service-order_placed--inventory-service.reserve"
    for name in ("", *RESERVED):
        for key in ("", f"{service}-service.dead", reserve):
            assert refused(
                target,
                service,
                lambda asked, name=name, key=key: asked.basic_publish(asked.prepare_message(**message), name, key),
            ), f"{service}-service may publish to {name!r}"
    for name in RESERVED:
        assert refused(target, service, lambda asked, name=name: asked.exchange_declare(name, "topic", durable=True))
        own = f"{service}-service.mine"
        assert refused(
            target,
            service,
            lambda asked, name=name, own=own: (
                asked.queue_declare(own, durable=True, auto_delete=True),
                asked.queue_bind(own, name, "#"),
            ),
        )


@pytest.mark.parametrize(
    "name", ["mine", "amq.mine", "evt-x--other-service.f", "order-servicex.events", "x.order-service.events"]
)
@pytest.mark.parametrize("service", SERVICES)
def test_nobody_declares_what_does_not_carry_the_own_name(target, service, name):
    assert refused(target, service, lambda asked: asked.queue_declare(name, durable=True))
    assert refused(target, service, lambda asked: asked.exchange_declare(name, "topic", durable=True))


@pytest.mark.parametrize(("service", "other"), PAIRS)
def test_dead_letters_and_second_attempts_of_another_are_out_of_reach(target, service, other):
    for name in (
        topology.dead(f"{other}-service"),
        topology.retry(f"{other}-service", 1),
        topology.again(f"{other}-service"),
    ):
        assert refused(target, service, lambda asked, name=name: asked.queue_declare(name, durable=True))
        assert refused(target, service, lambda asked, name=name: asked.exchange_declare(name, "fanout", durable=True))
        assert refused(target, service, lambda asked, name=name: asked.basic_get(name))


@pytest.mark.parametrize(("service", "other"), PAIRS)
def test_no_queue_or_exchange_of_the_own_passes_on_to_anothers(target, service, other):
    """What the broker itself would publish for a service needs the same right."""
    own = f"{service}-service.detour"
    for to in (exchange(f"{other}-service"), topology.again(f"{other}-service"), ""):
        dies = {"x-dead-letter-exchange": to, "x-message-ttl": 1}
        assert refused(target, service, lambda asked, a=dies: asked.queue_declare(own, durable=True, arguments=a)), to
        otherwise = {"alternate-exchange": to}
        assert not to or refused(
            target,
            service,
            lambda asked, a=otherwise: asked.exchange_declare(
                own, "fanout", durable=True, auto_delete=False, arguments=a
            ),
        ), to


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("vhost", ["", "/", "%2f"])
def test_no_other_vhost_lets_a_service_in(target, service, vhost):
    own, _, _ = target.amqp_url(service).rpartition("/")
    with pytest.raises((AccessRefused, NotAllowed)), Connection(f"{own}/{vhost}", connect_timeout=5) as connection:
        connection.channel()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "path", ["whoami", "overview", "users", "definitions", "permissions", "connections", "queues", "vhosts"]
)
def test_the_management_interface_is_not_for_services(target, service, path):
    assert target.broker is not None
    login = (f"{target.id}.{service}", target.variables[f"PASSWORD_{service.upper()}"])
    answer = requests.get(f"http://{target.broker.http}/api/{path}", auth=login, timeout=10)
    assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("name", ["guest", "admin", "lab", ""])
@pytest.mark.parametrize("password", ["guest", "admin", "lab", ""])
def test_no_password_is_one_that_everybody_knows(target, name, password):
    assert target.broker is not None
    answer = requests.get(f"http://{target.broker.http}/api/whoami", auth=(name, password), timeout=10)
    assert answer.status_code == 401
    with pytest.raises((AccessRefused, NotAllowed)):
        Connection(f"amqp://{name or 'x'}:{password or 'x'}@{target.broker.amqp}//", connect_timeout=5).connect()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_do_its_own_work(target, service):
    """Or the refusals above would prove nothing."""
    own = f"{service}-service.check"
    told = exchange(f"{service}-service")
    assert not refused(target, service, lambda asked: asked.basic_publish(asked.prepare_message(b"{}"), told))
    with channel(target, service) as asked:
        asked.queue_declare(own, durable=True)
        asked.exchange_declare(own, "topic", durable=True, auto_delete=False)
        asked.queue_bind(own, own, "#")
        for other in SERVICES:
            asked.queue_bind(own, exchange(f"{other}-service"), "nothing")
        asked.basic_publish(asked.prepare_message(b"{}"), own, "x")
        asked.queue_purge(own)
        asked.queue_delete(own)
        asked.exchange_delete(own)
