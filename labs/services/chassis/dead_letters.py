"""What no handler could deal with: `python -m labs.services.chassis.dead_letters list|replay [SERVICE] [--id ID] [--json]`.

A dead letter stays in its service's queue until somebody replays it. Settings as every process of the service has them."""

import argparse
import json
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from math import inf
from typing import Any

from amqp.exceptions import AccessRefused, NotAllowed, NotFound
from kombu import Connection, Queue

from labs.services.chassis import crash, topology
from labs.services.chassis.events import PREFIX
from labs.services.chassis.publisher import CONNECTION_ERRORS, BrokerAway, Outgoing, Publisher
from labs.services.chassis.settings import Settings, load

TIMEOUT = 5.0
"""Seconds for the broker to answer."""
MOST = 1_000
"""So many are taken in hand at a time; what is behind them comes when they are gone."""
NEVER_ANSWERED = f"delivered {topology.DELIVERY_LIMIT + 1} times and never answered"
"""The reason of what the broker itself gave up."""


class CannotLook(Exception):
    """The broker does not show these dead letters; the message says why."""


@dataclass(frozen=True)
class Letter:
    """A dead letter: what it is, which queue's handler gave it up, why, after how many attempts, and how long ago in seconds.
    What is not known, as with a message that is no event, is empty."""

    id: str
    type: str
    source: str
    queue: str
    reason: str
    attempts: int
    age: float
    correlation_id: str

    @classmethod
    def of(cls, message: Any) -> "Letter":
        """kombu's message."""
        headers = message.headers
        event = {name: str(headers.get(PREFIX + name, "")) for name in ("id", "type", "source", "correlationid")}
        dropped: dict[str, Any] = next(iter(headers.get("x-death") or ()), {})  # by the broker itself
        died_at = headers.get(topology.DIED_AT) or _seconds(dropped.get("time"))
        return cls(
            id=event["id"] or message.properties.get("message_id", ""),
            type=event["type"],
            source=event["source"],
            queue=headers.get(topology.FAILED_QUEUE) or dropped.get("queue", ""),
            reason=headers.get(topology.REASON) if topology.DIED_AT in headers else NEVER_ANSWERED,
            attempts=topology.attempt(headers),
            age=max(0.0, time.time() - died_at) if died_at else 0.0,
            correlation_id=event["correlationid"],
        )


def letters(amqp_url: str, service: str) -> list[Letter]:
    """All that wait, oldest first; they stay where they are. Raises CannotLook."""
    with _taken(amqp_url, service) as messages:
        return [Letter.of(message) for message in messages]


def replay(amqp_url: str, service: str, ids: Collection[str] = (), youngest: float = inf) -> list[Letter]:
    """Bring dead letters back to the queue of the handler that failed, for as many attempts as a new event has: those with
    these ids, or all that have been dead for at most `youngest` seconds. One leaves the dead letters after the broker has
    confirmed it in its queue, so that nothing is lost if this ends half-way; the inbox suppresses what was replayed twice.
    Raises CannotLook; what it had replayed by then is done."""
    done = []
    publisher = Publisher(amqp_url, TIMEOUT)
    try:
        with _taken(amqp_url, service) as messages:
            for message in list(messages):  # before any is back and perhaps dies again
                letter = Letter.of(message)
                if letter.id in ids or (not ids and letter.age <= youngest):
                    _bring_back(publisher, service, letter, message)
                    done.append(letter)
    except BrokerAway as error:
        raise CannotLook(f"The broker went away after {len(done)} were replayed: {error}") from error
    finally:
        publisher.close()
    return done


def _bring_back(publisher: Publisher, service: str, letter: Letter, message: Any) -> None:
    (fate,) = publisher.publish([Outgoing.passed_on(message, topology.again(service), letter.queue, {})])
    if fate:
        raise CannotLook(f"{letter.id} cannot go back to {letter.queue or 'a queue that nobody knows'}: {fate}")
    message.ack()


@contextmanager
def _taken(amqp_url: str, service: str) -> Iterator[Iterator[Any]]:
    """What waits, message by message; what is not acknowledged goes back to its place at the end, in a moment."""
    try:
        with Connection(amqp_url, connect_timeout=TIMEOUT) as connection:
            queue = Queue(topology.dead(service), channel=connection.channel())
            yield islice(iter(queue.get, None), MOST)  # a quorum queue's count lags behind
    except (AccessRefused, NotAllowed) as error:
        raise CannotLook(f"This user may not read {topology.dead(service)}: {error}") from error
    except NotFound as error:
        raise CannotLook(f"{topology.dead(service)} is no queue here: no worker of that service ever ran.") from error
    except CONNECTION_ERRORS as error:
        raise CannotLook(f"The broker is away: {error}") from error


def _seconds(moment: Any) -> float:
    """A time of the broker's, which comes as a datetime or as seconds."""
    return moment.timestamp() if isinstance(moment, datetime) else float(moment or 0)


def table(found: list[Letter]) -> str:
    """For people: one line each, the reason last."""
    rows = [("ID", "EVENT", "QUEUE", "ATTEMPTS", "AGE", "REASON")] + [
        (each.id, each.type or "no event", each.queue, str(each.attempts), f"{each.age:.0f} s", each.reason)
        for each in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join("  ".join([*map(str.ljust, row, widths), row[5].splitlines()[0]]) for row in rows)


def _still_there(left: Collection[Letter], remembered: float) -> str:
    """The inbox does not remember for ever. The broker itself may give up an event whose effect is committed."""
    if not (old := sum(letter.age > remembered for letter in left)):
        return ""
    days = f"{remembered / 86400:g} days"
    return (
        f"{old} have been dead for longer than an inbox remembers ({days}) and were left: one may have taken effect before it\n"
        "died, and would do so again. Look at each, then replay it with --id.\n"
    )


def main(arguments: list[str]) -> int:
    """0, or 1 after saying what went wrong."""
    settings = load(Settings)
    crash.arm(settings.crash)
    parser = argparse.ArgumentParser(prog="labs.services.chassis.dead_letters", description=__doc__)
    parser.add_argument("do", choices=("list", "replay"))
    parser.add_argument("service", nargs="?", default=settings.service, help="e.g. order-service")
    parser.add_argument("--id", action="append", default=[], help="replay this one only; may be repeated")
    parser.add_argument("--json", action="store_true", help="for programs")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.do == "list":
            found = letters(settings.amqp_url, chosen.service)
        else:
            found = replay(settings.amqp_url, chosen.service, chosen.id, settings.keep_received)
            if not chosen.id and (left := letters(settings.amqp_url, chosen.service)):
                sys.stderr.write(_still_there(left, settings.keep_received))
    except CannotLook as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write((json.dumps([asdict(each) for each in found]) if chosen.json else table(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
