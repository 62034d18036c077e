"""Queues of a service: where its events wait, wait again after a failure, and end if nothing helps. Delivery rules 3 and 4.

All are durable quorum queues; what one gives up it hands to the next at least once. Arguments of a queue cannot be changed
once it exists: a change here needs new names."""

from typing import Any

from kombu import Exchange, Queue

RETRY_SECONDS = (0.5, 2, 8)
"""How long an event waits before its 2nd, 3rd and 4th attempt; after the last one it is a dead letter."""
DELIVERY_LIMIT = 20
"""Deliveries without an answer, as when the consumer is killed by what it reads, before the broker gives up. What else it had
in hand each time is given up with it: guilty or not, it is a dead letter, and can be replayed."""
UNLIMITED = 2**31 - 1
"""The same for dead letters, which nobody but a person who looks at them ever takes; without it RabbitMQ 4 drops what was
looked at twenty times."""
ATTEMPT, REASON, FAILED_QUEUE, DIED_AT = "x-attempt", "x-reason", "x-failed-queue", "x-died-at"
"""Headers of an event on its way to another attempt or to the dead letters; the time is in seconds since the epoch."""
QUORUM = {"x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


def dead(service: str) -> str:
    """The exchange for dead letters, and the queue behind it."""
    return f"{service}.dead"


def again(service: str) -> str:
    """The direct exchange that brings events back to the queue that their routing key names."""
    return f"{service}.again"


def retry(service: str, attempt: int) -> str:
    """The exchange for events whose `attempt`, counted from 1, failed; the queue behind it holds them for a while."""
    return f"{service}.retry-{attempt}"


def handler_arguments(service: str) -> dict[str, Any]:
    """The arguments of a handler's queue."""
    return QUORUM | {"x-dead-letter-exchange": dead(service), "x-delivery-limit": DELIVERY_LIMIT}


def attempt(headers: dict[str, Any]) -> int:
    """Which attempt this delivery is, counted from 1."""
    noted = headers.get(ATTEMPT)
    return noted if isinstance(noted, int) and noted > 0 else 1


def declare(service: str, handlers: list[Queue], channel: Any) -> None:
    """Make sure that all queues of a service exist. Raises amqp errors where they exist with other arguments."""
    back = Exchange(again(service), "direct", durable=True)
    back(channel).declare()
    kept = QUORUM | {"x-delivery-limit": UNLIMITED}
    Queue(dead(service), Exchange(dead(service), "fanout", durable=True), queue_arguments=kept)(channel).declare()
    for number, seconds in enumerate(RETRY_SECONDS, 1):
        name = retry(service, number)
        arguments = QUORUM | {"x-dead-letter-exchange": back.name, "x-message-ttl": int(seconds * 1000)}
        Queue(name, Exchange(name, "fanout", durable=True), queue_arguments=arguments)(channel).declare()
    for queue in handlers:
        bound = queue(channel)
        bound.declare()
        bound.bind_to(back.name, queue.name)
