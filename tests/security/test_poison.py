"""Events that a service never told, or told wrongly: from a neighbour that somebody has taken over, and from somebody with the
broker's password. Each becomes a dead letter that says why, no handler is held up, and none does what it should not."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection, Queue

from labs.classroom import watching
from labs.classroom.shop import Shop
from labs.infra.system import System
from labs.services.chassis.dead_letters import Letter, letters
from labs.services.chassis.events import exchange
from labs.services.chassis.topology import RETRY_SECONDS, dead, retry
from tests.security.poison import HARMFUL, TOLD, WRONG, Poison, garbage, publish, told

WITHIN = 90.0
"""Seconds until the last attempt of the last event is over; the pauses alone are 10.5."""
CONSUMERS = ("order-service", "inventory-service", "notification-service")


class Dead:
    """The dead letters that have come since this was made."""

    def __init__(self, target: System) -> None:
        self._target = target
        for consumer in CONSUMERS:
            with Connection(target.amqp_url(), connect_timeout=5) as connection:
                Queue(dead(consumer), channel=connection.channel()).purge()

    def letters(self) -> dict[tuple[str, str], Letter]:
        """By the handler's queue and the event's id."""
        found = [letter for consumer in CONSUMERS for letter in letters(self._target.amqp_url(), consumer)]
        return {(letter.queue, letter.id): letter for letter in found}

    def number(self) -> int:
        """So many there are."""
        return sum(watching.depth(self._target, dead(consumer)) or 0 for consumer in CONSUMERS)


@pytest.fixture
def letterbox(target: System) -> Dead:
    """Empty."""
    return Dead(target)


@pytest.fixture
def buy(attacked: Shop) -> Iterator[Callable[[], None]]:
    """A customer, who must get a parcel in the usual time: whenever a test says so, and afterwards."""
    sku = f"tea-{uuid4().hex[:12]}"
    attacked.stock(sku, 1000)

    def buy() -> None:
        order = attacked.place((sku, 1))
        assert attacked.wait([order], within=20)[order].status == "fulfilled"

    buy()
    yield buy
    buy()


def handlers(target: System, source: str, event_type: str) -> list[str]:
    """The queues of all handlers of an event."""
    found = [queue for consumer in CONSUMERS for queue in watching.handler_queues(target, consumer, event_type)]
    return [queue for queue in found if queue.startswith(f"evt-{source}-service-")]


def nothing_waits(target: System, queues: list[str]) -> bool:
    """Neither for these handlers nor for another attempt."""
    waits = [retry(consumer, attempt) for consumer in CONSUMERS for attempt in range(1, len(RETRY_SECONDS) + 1)]
    return not any(watching.depth(target, queue) for queue in [*queues, *waits])


@pytest.mark.parametrize("by", ["a neighbour", "the administrator"])
def test_garbage_to_every_handler_is_a_dead_letter_with_its_reason_and_blocks_nobody(target, letterbox, buy, by):
    expected: dict[tuple[str, str], Poison] = {}
    for source, event_type in TOLD:
        queues = handlers(target, source, event_type)
        assert queues, f"somebody handles {event_type}"
        poisons = list(garbage(source, event_type))
        expected |= {(queue, poison.id): poison for queue in queues for poison in poisons}
        if by == "a neighbour":
            publish(target.amqp_url(source), exchange(f"{source}-service"), event_type, *poisons)
        else:
            for queue in queues:
                publish(target.amqp_url(), "", queue, *poisons)
    buy()

    assert watching.until(lambda: letterbox.number() >= len(expected), WITHIN)
    found = letterbox.letters()
    assert found.keys() == expected.keys()
    wrong = {
        poison.kind: found[place].reason
        for place, poison in expected.items()
        if poison.words not in found[place].reason
    }
    assert wrong == {}
    assert all(letter.reason for letter in found.values())


def test_events_that_say_what_cannot_be_are_dead_letters_of_those_whom_they_could_harm(
    attacked, target, letterbox, buy
):
    attacked.stock("tea", 5)
    before, price = attacked.available("tea"), prices(target)
    poisons = [told(source, event_type, **changes) for source, event_type, changes in HARMFUL]
    for (source, event_type, _), poison in zip(HARMFUL, poisons, strict=True):
        publish(target.amqp_url(source), exchange(f"{source}-service"), event_type, poison)
    buy()

    def not_buried() -> dict[str, str]:
        found = {letter.id for letter in letterbox.letters().values()}
        return {poison.id: poison.kind for poison in poisons if poison.id not in found}

    watching.until(lambda: not not_buried(), WITHIN)
    assert list(not_buried().values()) == []
    assert (attacked.available("tea"), prices(target)) == (before, price)


def test_no_wrong_value_in_any_field_makes_a_handler_go_round_for_ever(target, letterbox, buy):
    queues = []
    for (source, event_type), data in TOLD.items():
        queues += handlers(target, source, event_type)
        poisons = [told(source, event_type, **{name: wrong}) for name in data for wrong in WRONG]
        publish(target.amqp_url(source), exchange(f"{source}-service"), event_type, *poisons)
    buy()

    def settled() -> bool:
        return nothing_waits(target, queues)

    assert watching.until(settled, WITHIN)
    assert watching.until(settled, 1) and all(letter.reason for letter in letterbox.letters().values())


def prices(target: System) -> list[dict[str, Any]]:
    """What order-service believes that tea costs."""
    return watching.rows(target, "order", "SELECT * FROM known_prices WHERE sku = 'tea'")
