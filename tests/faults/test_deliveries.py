"""Rules 4 and 5 in the whole shop: rubbish in every queue, every event three times, two workers of a kind at once."""

import dataclasses
import json
import logging
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from kombu import Connection, Queue

from labs.classroom import books
from labs.classroom.watching import queue_names
from labs.infra.system import System
from labs.services.chassis.dead_letters import Letter
from labs.services.chassis.events import Event
from labs.services.chassis.publisher import Outgoing, Publisher
from labs.services.chassis.topology import again, dead
from tests.faults.resting import HANDLER, TELLING, ask, dead_letters, mend, rest
from tests.faults.storm import LONG, Storm
from tests.infra.nodes import eventually

GARBAGE = 10_000 if LONG else 200
"""Messages for each service, spread over all its queues."""
RUBBISH: list[Callable[[random.Random], bytes]] = [
    lambda chance: chance.randbytes(chance.randint(0, 300)),
    lambda _chance: b'{"order_id": ',
    lambda _chance: b"null",
    lambda _chance: b'{"order_id": "no event has this shape"}',
]
REPAIRED = 10
log = logging.getLogger(__name__)


@contextmanager
def publishing(system: System) -> Iterator[Publisher]:
    publisher = Publisher(system.amqp_url(), 30.0)
    try:
        yield publisher
    finally:
        publisher.close()


def litter(system: System, service: str, chance: random.Random) -> int:
    """Rubbish into all queues of a service's handlers in turn; returns how many messages."""
    own = [name for name in queue_names(system) if (found := HANDLER.fullmatch(name)) and found["consumer"] == service]
    count = GARBAGE if own else 0
    with publishing(system) as publisher:
        for first in range(0, count, 100):
            batch = [
                Outgoing("", own[number % len(own)], f"rubbish-{number}", {}, chance.choice(RUBBISH)(chance))
                for number in range(first, min(first + 100, count))
            ]
            assert not any(publisher.publish(batch))
    return count


def test_rubbish_in_every_queue_holds_nobody_up_and_what_is_repaired_takes_effect(system: System, storm: Storm) -> None:
    chance, count = random.Random(f"{storm.seed}-rubbish"), 0
    broken = [Event("inventory-service", "price_changed", {"sku": f"new-{n}"}) for n in range(REPAIRED)]
    began = time.monotonic()
    with storm.raging():
        for service in TELLING:
            count += litter(system, service, chance)
        with publishing(system) as publisher:
            assert not any(publisher.publish([Outgoing.told(event) for event in broken]))
        littered = time.monotonic() - began
        eventually(
            lambda: _dead(system) == count + REPAIRED,
            500,
            f"{count + REPAIRED} dead letters; there are {_dead(system)}",
        )
    log.info(f"{count} pieces of rubbish laid in {littered:.0f} s, gone after {time.monotonic() - began:.0f} s")
    assert _dead(system) == count + REPAIRED

    right = {"amount": 7, "currency": "EUR", "version": 1}
    found = _repair(system, {event.id: {"sku": event.data["sku"], **right} for event in broken})
    assert found == {event.id for event in broken}
    known = "SELECT count(*) FROM known_prices WHERE sku LIKE 'new-%' AND amount = 7"
    eventually(lambda: ask(system, "order", known)[0][0] == REPAIRED, 60, "what was repaired takes effect")
    rest(system, storm)


def test_every_event_delivered_three_times_takes_effect_once(system: System, storm: Storm) -> None:
    storm.place(200 if LONG else 30, newcomers=0.5)
    rest(system, storm)
    before = everything(system)
    told = "SELECT event_id, type, data, time, correlation_id FROM outbox"
    with publishing(system) as publisher:
        for service in TELLING:
            events = [
                Outgoing.told(Event(f"{service}-service", kind, json.loads(data), event_id, moment, correlation_id))
                for event_id, kind, data, moment, correlation_id in ask(system, service, told)
            ]
            for _ in range(2):
                for first in range(0, len(events), 100):
                    publisher.publish(events[first : first + 100])
    rest(system, storm)
    assert everything(system) == before


def test_two_workers_of_a_kind_share_the_work_and_one_may_die(system: System, storm: Storm) -> None:
    twins = {f"{name}-too": name for name in ("order-worker", "inventory-worker", "notification-worker")}
    for twin, name in twins.items():
        system.services[twin] = replace(system.services[name], name=twin)
    system.start(*twins, timeout=90)
    try:
        with storm.raging(newcomers=0.3):
            for twin in twins:
                eventually(lambda name=twin: '"handling ' in system.log(name).read_text(), 90, f"{twin} works")
            time.sleep(20 if LONG else 1)  # side by side
            for victim in (*twins, *twins.values()):
                os.kill(system.pid(victim), signal.SIGKILL)
                system.restart(victim, timeout=90)
        rest(system, storm, leases=LONG)
    finally:
        system.stop(*twins)
        for twin in twins:
            del system.services[twin]


def everything(system: System) -> dict[str, object]:
    """What the books say, and all that services keep of events."""
    read = books.read({name: system.database_url(name) for name in books.STORES})
    counts = {
        "notifications": ask(system, "notification", "SELECT count(*) FROM notifications")[0][0],
        "messages": ask(system, "outside", "SELECT count(*) FROM messages")[0][0],
        "told": [ask(system, service, "SELECT count(*) FROM outbox")[0][0] for service in TELLING],
        "prices": sorted(ask(system, "order", "SELECT sku, version, amount FROM known_prices")),
    }
    return dataclasses.asdict(read) | counts


def _dead(system: System) -> int:
    """Dead letters of all services."""
    with Connection(system.amqp_url(), connect_timeout=5) as connection:
        channel, there = connection.channel(), set(queue_names(system))
        names = [dead(f"{service}-service") for service in TELLING]
        return sum(channel.queue_declare(name, passive=True).message_count for name in names if name in there)


def _repair(system: System, data: dict[str, dict[str, object]]) -> set[str]:
    """What an operator does: every dead letter is taken, those that can be repaired go back to their queue, rubbish is gone.
    Returns the ids of those that are events."""
    there, events = set(queue_names(system)), set[str]()
    with Connection(system.amqp_url(), connect_timeout=5) as connection, publishing(system) as publisher:
        for service in (f"{name}-service" for name in TELLING):
            if dead(service) not in there:
                continue
            queue = Queue(dead(service), channel=connection.channel())
            while message := queue.get():
                letter = Letter.of(message)
                if letter.type:
                    events.add(letter.id)
                if right := data.get(letter.id):
                    outgoing = Outgoing.passed_on(message, again(service), letter.queue, {})
                    body = json.dumps(right).encode()
                    assert publisher.publish([replace(outgoing, body=body)]) == [""]
                message.ack()
    mend(system)
    if found := dead_letters(system):
        pytest.fail(f"there are still dead letters: {found[:3]}")
    return events
