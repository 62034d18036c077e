"""Queues in a lab's vhost, made, filled and emptied by hand, as its learner."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection, Exchange, Producer, Queue

from labs.infra.system import System


@contextmanager
def channel(system: System) -> Iterator[Any]:
    """To the system's vhost, with confirms."""
    with Connection(system.amqp_url(), connect_timeout=5, transport_options={"confirm_publish": True}) as connection:
        yield connection.default_channel


def make(system: System, name: str, exchange: Exchange | None = None, key: str = "", **arguments: Any) -> None:
    """An empty queue; arguments as RabbitMQ calls them, without x- and with underscores, such as max_length=5. Bound last: what
    is published from then on is not lost in the emptying."""
    spelt = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
    with channel(system) as there:
        queue = Queue(name, exchange, key, queue_arguments=spelt)(there)
        queue.queue_declare()
        queue.purge()
        if exchange:
            queue.exchange.declare()
            queue.queue_bind()


def put(system: System, bodies: Iterable[Any], exchange: Exchange | None = None, key: str = "") -> None:
    """Publish; without an exchange, into the queue of this name."""
    with channel(system) as there:
        producer = Producer(there, exchange, key)
        for body in bodies:
            producer.publish(body)


def take(system: System, name: str, most: int = 10_000) -> list[Any]:
    """What waits in a queue, oldest first, acknowledged: kombu's messages."""
    found: list[Any] = []
    with channel(system) as there:
        queue = Queue(name, channel=there)
        while len(found) < most and (message := queue.get()):
            message.ack()
            found.append(message)
    return found


def refuse(system: System, name: str) -> int:
    """Reject all that waits in a queue, so that it goes where its dead letters go; returns how many."""
    count = 0
    with channel(system) as there:
        queue = Queue(name, channel=there)
        while message := queue.get():
            message.reject()
            count += 1
    return count


def consumers(system: System, name: str) -> int:
    """How many consume from a queue now."""
    with channel(system) as there:
        return int(there.queue_declare(name, passive=True).consumer_count)


def delete(system: System, *names: str) -> None:
    """Whether they are there or not."""
    with channel(system) as there:
        for name in names:
            there.queue_delete(name)
