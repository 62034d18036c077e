"""Events that a service never told, or told wrongly: from a neighbour that somebody has taken over, and from somebody with the
broker's password. Each becomes a dead letter that says why, no handler is held up, and none does what it should not."""

from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from kombu import Connection

from labs.classroom import watching
from labs.classroom.shop import Shop
from labs.infra.system import System
from labs.services.chassis.dead_letters import Letter, letters
from labs.services.chassis.events import exchange
from labs.services.chassis.topology import RETRY_SECONDS, retry
from tests.security.poison import HARMFUL, TOLD, WRONG, Poison, garbage, publish, told

WITHIN = 90.0
"""Seconds until the last attempt of the last event is over; the pauses alone are 10.5."""
CONSUMERS = ("order-service", "inventory-service", "notification-service")


class Aftermath(NamedTuple):
    """What became of all the poison: the dead letters by (queue of the handler, id of the message), and what was sent."""

    letters: dict[tuple[str, str], Letter]
    garbage: dict[tuple[str, str], Poison]
    harmful: list[Poison]
    in_stock: int
    price: list[dict[str, Any]]
    bought: list[str]
    """The orders placed meanwhile."""


@pytest.fixture(scope="module")
def aftermath(attacked: Shop, target: System) -> Aftermath:
    """All of it at once: the pauses between the attempts are long, and customers go on buying."""
    sku = f"cup-{uuid4().hex[:12]}"
    attacked.stock(sku, 1000)
    attacked.stock("tea", 5)
    sent: dict[tuple[str, str], Poison] = {}
    bought: list[str] = []
    for source, event_type in TOLD:
        queues = handlers(target, source, event_type)
        assert queues, f"somebody handles {event_type}"
        neighbours, administrators = list(garbage(source, event_type)), list(garbage(source, event_type))
        sent |= {(queue, poison.id): poison for queue in queues for poison in (*neighbours, *administrators)}
        publish(target.amqp_url(source), exchange(f"{source}-service"), event_type, *neighbours)
        for queue in queues:
            publish(target.amqp_url(), "", queue, *administrators)
        bought.append(attacked.place((sku, 1)))
    harmful = [told(source, event_type, **changes) for source, event_type, changes in HARMFUL]
    for (source, event_type, _), poison in zip(HARMFUL, harmful, strict=True):
        publish(target.amqp_url(source), exchange(f"{source}-service"), event_type, poison)
    for (source, event_type), data in TOLD.items():
        wrong = [told(source, event_type, **{name: value}) for name in data for value in WRONG]
        publish(target.amqp_url(source), exchange(f"{source}-service"), event_type, *wrong)
        bought.append(attacked.place((sku, 1)))

    queues = [queue for each in TOLD for queue in handlers(target, *each)]
    assert watching.until(lambda: nothing_waits(target, queues), WITHIN)
    found = [letter for consumer in CONSUMERS for letter in letters(target.amqp_url(), consumer)]
    dead = {(letter.queue, letter.id): letter for letter in found}
    return Aftermath(dead, sent, harmful, attacked.available("tea"), price_of_tea(target), bought)


def handlers(target: System, source: str, event_type: str) -> list[str]:
    """The queues of all handlers of an event."""
    found = [queue for consumer in CONSUMERS for queue in watching.handler_queues(target, consumer, event_type)]
    return [queue for queue in found if queue.startswith(f"evt-{source}-service-")]


def nothing_waits(target: System, queues: list[str]) -> bool:
    """Neither for these handlers nor for another attempt."""
    waits = [retry(consumer, attempt) for consumer in CONSUMERS for attempt in range(1, len(RETRY_SECONDS) + 1)]
    with Connection(target.amqp_url(), connect_timeout=5) as connection:
        channel = connection.channel()
        return not any(channel.queue_declare(queue, passive=True).message_count for queue in [*queues, *waits])


def price_of_tea(target: System) -> list[dict[str, Any]]:
    """What order-service believes."""
    return watching.rows(target, "order", "SELECT amount, currency FROM known_prices WHERE sku = 'tea'")


def test_all_garbage_is_a_dead_letter_of_every_handler_that_got_it(aftermath):
    missing = {
        (queue, aftermath.garbage[queue, event].kind)
        for queue, event in aftermath.garbage.keys() - aftermath.letters.keys()
    }
    assert missing == set()


def test_every_dead_letter_says_why(aftermath):
    assert all(letter.reason for letter in aftermath.letters.values())
    said = {place: letter.reason for place, letter in aftermath.letters.items() if place in aftermath.garbage}
    wrong = {
        aftermath.garbage[place].kind: why for place, why in said.items() if aftermath.garbage[place].words not in why
    }
    assert wrong == {}


def test_an_event_that_says_what_cannot_be_is_a_dead_letter_of_those_whom_it_could_harm(aftermath):
    buried = {event for _, event in aftermath.letters}
    assert [poison.kind for poison in aftermath.harmful if poison.id not in buried] == []


def test_nobody_believed_any_of_it(aftermath, attacked):
    assert aftermath.in_stock == attacked.available("tea") == 5
    assert aftermath.price == [{"amount": 350, "currency": "EUR"}]


def test_whoever_bought_meanwhile_has_a_parcel_and_so_has_the_next_one(aftermath, attacked, target):
    settled = attacked.wait(aftermath.bought, within=20)
    assert {order.status for order in settled.values()} == {"fulfilled"}
    sku = f"cup-{uuid4().hex[:12]}"
    attacked.stock(sku, 1)
    order = attacked.place((sku, 1))
    assert attacked.wait([order], within=10)[order].status == "fulfilled"
    workers = [name for name in target.services if name.endswith("-worker")]
    assert {name: target.state(name) for name in workers} == dict.fromkeys(workers, "running")
