"""Queues made by hand, while others publish."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from amqp.exceptions import ChannelError
from kombu import Connection, Exchange, Producer

from labs.classroom import queues
from labs.infra.system import System
from tests.ground import Ground

PARCELS = Exchange("test.parcels", "topic")
ROUNDS, ATTEMPTS = 30, 5000


@pytest.fixture(scope="module")
def system(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its broker is shared
    made = System("queues")
    try:
        made.up("broker-setup")
        with queues.channel(made) as there:
            PARCELS(there).declare()
        yield made
    finally:
        made.down()


def hand_over(system: System, key: str) -> None:
    """One parcel, again and again until a queue has taken it."""
    with Connection(system.amqp_url(), transport_options={"confirm_publish": True}) as connection:
        for _ in range(ATTEMPTS):
            with connection.channel() as channel:
                try:
                    return Producer(channel, PARCELS, key).publish({"for": key}, mandatory=True)
                except ChannelError:
                    continue
    raise AssertionError(f"no queue took a parcel for {key}")


def test_what_a_queue_has_taken_while_it_was_made_is_in_it(system):
    with ThreadPoolExecutor() as others:
        for shelf in (f"shelf-{number}" for number in range(ROUNDS)):
            handed_over = others.submit(hand_over, system, shelf)
            queues.make(system, shelf, PARCELS, shelf)
            handed_over.result(10)
            assert len(queues.take(system, shelf)) == 1, shelf


def test_a_queue_that_is_there_already_is_emptied(system):
    queues.make(system, "full", PARCELS, "full")
    queues.put(system, [1, 2, 3], PARCELS, "full")
    queues.make(system, "full", PARCELS, "full")
    assert queues.take(system, "full") == []


def test_a_queue_without_an_exchange_is_filled_by_its_name(system):
    queues.make(system, "alone")
    queues.put(system, ["one"], key="alone")
    assert [message.payload for message in queues.take(system, "alone")] == ["one"]
