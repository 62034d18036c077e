"""Listens in on the events of a running system, without being one of those who listen: by RabbitMQ's firehose, which hands out
a copy of what is published. A queue of our own at the exchanges would do for an event what a service does that wants it: it
would count as delivered, and whoever subscribes later would never get it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection, Exchange, Queue

from labs.classroom import watching
from labs.infra.system import System
from labs.services.chassis.events import Event, exchange

FIREHOSE = Exchange("amq.rabbitmq.trace", "topic", passive=True)
"""What is published to an exchange comes by it with the routing key publish.EXCHANGE (www.rabbitmq.com/docs/firehose)."""


class Tap:
    """Events in the order in which they were told; one that was told again, because nobody listened yet, is here once."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._ids: set[str] = set()

    def of(self, order_id: str) -> list[Event]:
        """Those of one order."""
        return [event for event in self.events if event.data.get("order_id") == order_id]

    def keep(self, event: Event) -> None:
        """Unless it is here."""
        if event.id not in self._ids:
            self._ids.add(event.id)
            self.events.append(event)


@contextmanager
def tap(system: System) -> Iterator[Tap]:
    """A copy of every event that any service tells, while this lasts. Not twice at once in one system."""
    seen, stopped = Tap(), threading.Event()
    sources = sorted({s.group for s in system.services.values() if s.group.endswith("-service")})
    with Connection(system.amqp_url(), connect_timeout=5) as connection:
        queue = Queue("learner.tap", durable=True, auto_delete=False, expires=60)
        bound = queue(connection.channel())
        bound.declare()
        bound.purge()
        for source in sources:
            bound.bind_to(FIREHOSE, f"publish.{exchange(source)}")
        reader = threading.Thread(target=_read, args=(system.amqp_url(), queue, seen, stopped), daemon=True)
        reader.start()
        _firehose(system, on=True)
        try:
            yield seen
        finally:
            _firehose(system, on=False)
            stopped.set()
            reader.join()
            bound.delete()


def _firehose(system: System, on: bool) -> None:
    watching.management(system, "PUT", "vhosts", json={"tracing": on})


def _read(url: str, queue: Queue, seen: Tap, stopped: threading.Event) -> None:
    with Connection(url, connect_timeout=5) as connection:

        def keep(message: Any) -> None:
            seen.keep(Event.read(message.headers["properties"]["headers"], json.loads(message.body)))
            message.ack()

        with connection.Consumer(queue, on_message=keep):
            while not stopped.is_set():
                try:
                    connection.drain_events(timeout=0.1)
                except TimeoutError:
                    continue
