"""Lab 05, its last exercise: dead letters go back where they came from, and none is lost on the way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection, Exchange, Queue

from labs.classroom import programs, queues, watching
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Verdict, passed, wrong
from labs.infra.logging import files

DEAD = Exchange("dead", "fanout")
FIRST, OTHER = "check.first", "check.other"
"""Two queues whose dead letters lie together."""
PATIENCE = 4.0
MANY = 20
"""Dead letters of which each dies again; so many that some have died again before a program has brought the last one back."""


def replay(lab: Lab, _answer: Any) -> Verdict:
    """Back to the queue of each, once, and only off the dead letters when it is there."""
    lab.system.stop("customs-service", "replay-service")
    try:
        return (
            _brought_back(lab)
            or _nowhere_to_go(lab)
            or _ends(lab)
            or passed(
                "5 dead letters of two queues went back where they came from, unchanged. One whose queue is gone stayed. "
                f"{MANY} that die again were brought back once each, and then rest."
            )
        )
    finally:
        queues.delete(lab.system, FIRST, OTHER)
        queues.make(lab.system, "dead", DEAD)
        programs.begun(lab.system, "replay-service", "customs-service")


def _brought_back(lab: Lab) -> Verdict | None:
    _bury(lab, {FIRST: 3, OTHER: 2})
    error = _run(lab, lambda: lab.queue_depth(FIRST) + lab.queue_depth(OTHER) >= 5)
    lab.system.stop("replay-service")
    if error:
        return wrong("raises", f"5 dead letters waited, and your program ended with {error}.")
    back = {name: [message.payload for message in queues.take(lab.system, name)] for name in (FIRST, OTHER)}
    found, dead = sum(map(len, back.values())), lab.queue_depth("dead")
    if found == 0 and dead == 5:
        return wrong("idle", "5 dead letters waited, and they still do: your program brought none of them back.")
    if found + dead > 6:  # the last one may have been stopped before its ack
        message = (
            f"{found} parcels went back, and {dead} dead letters are still there: the next replay brings them back again. What "
            "tells the broker that you are done with a letter?"
        )
        return wrong("keeps", message, ("replay->>broker: parcel 1, back", "Note over broker: still dead, too"))
    if found + dead < 5:
        message = (
            f"Of 5 dead letters {5 - found - dead} are nowhere: neither dead nor in the queue that they came from."
        )
        return wrong("lost", message, ("replay->>broker: ack", "Note over broker: gone"))
    if [len(back[FIRST]), len(back[OTHER])] != [3, 2]:
        message = (
            f"3 letters died in one queue and 2 in another; you brought {len(back[FIRST])} and {len(back[OTHER])} back. "
            "x-death says of each letter where it died."
        )
        return wrong("misplaced", message)
    if back != {FIRST: _bodies(FIRST, 3), OTHER: _bodies(OTHER, 2)}:
        return wrong(
            "altered", f"What went back is not what had died: {back[FIRST][0]} instead of {_bodies(FIRST, 1)[0]}."
        )
    return None


def _nowhere_to_go(lab: Lab) -> Verdict | None:
    """Its queue is gone."""
    _bury(lab, {FIRST: 1})
    queues.delete(lab.system, FIRST)
    _run(lab, lambda: False, 1.0)  # until it has raised, or long enough
    lab.system.stop("replay-service")
    if watching.until(lambda: lab.queue_depth("dead") == 1, 1.0):
        return None
    message = (
        "The queue of a dead letter is gone. Your program published to nobody, acknowledged, and the letter is nowhere. "
        "Acknowledge what the broker has confirmed, and let a publish that reaches no queue fail."
    )
    return wrong("lost", message, ("replay->>broker: parcel 1, to a queue that is gone", "replay->>broker: ack",
                                   "Note over broker: gone"))  # fmt: skip


def _ends(lab: Lab) -> Verdict | None:
    """Whoever handles them still cannot."""
    _bury(lab, {FIRST: MANY})
    with _refusing(lab) as refused:
        _run(lab, lambda: len(refused) >= MANY)
        endless = watching.until(lambda: len(refused) > MANY + 3, 1.0)
        lab.system.stop("replay-service")
    if endless:
        message = (
            f"{MANY} letters that cannot be handled died again as soon as they were back, and you brought them back, and they "
            f"died again: {len(refused)} times until it was stopped. Take those that are dead when you begin, and no others."
        )
        return wrong("endless", message, ("replay->>queue: parcel 1", "queue->>dead: rejected", "replay->>queue: parcel 1",
                                          "Note over replay: and so on"))  # fmt: skip
    if len(refused) < MANY:
        message = f"{MANY} dead letters waited that die again, and your program brought {len(refused)} of them back."
        return wrong("idle", message)
    return None


def _bury(lab: Lab, letters: dict[str, int]) -> None:
    """So many letters of each queue lie dead, and nothing else."""
    queues.make(lab.system, "dead", DEAD)
    for name, count in letters.items():
        queues.make(lab.system, name, dead_letter_exchange=DEAD.name)
        queues.put(lab.system, _bodies(name, count), key=name)
        queues.refuse(lab.system, name)
    watching.until(lambda: lab.queue_depth("dead") == sum(letters.values()), PATIENCE)


def _bodies(name: str, count: int) -> list[dict[str, Any]]:
    return [{"parcel": number, "to": "Lima", "of": name} for number in range(count)]


def _run(lab: Lab, done: Any, within: float = PATIENCE) -> str:
    """Start it, and wait; returns what it ended with, if it did."""
    since = files.mark(lab.system.log("replay"))
    programs.begun(lab.system, "replay-service")
    watching.until(lambda: done() or programs.raised(lab.system, "replay", since), within)
    return programs.raised(lab.system, "replay", since)


@contextmanager
def _refusing(lab: Lab) -> Iterator[list[Any]]:
    """A consumer that rejects all it gets, while this lasts."""
    refused: list[Any] = []
    stopped = threading.Event()

    def refuse(_body: Any, message: Any) -> None:
        refused.append(message)
        message.reject()

    def consume() -> None:
        with Connection(lab.amqp_url, connect_timeout=5) as connection:
            queue = Queue(FIRST, queue_arguments={"x-dead-letter-exchange": DEAD.name})
            with connection.Consumer(queue, callbacks=[refuse], accept=["json"]):
                while not stopped.is_set():
                    try:
                        connection.drain_events(timeout=0.1)
                    except TimeoutError:
                        continue

    reader = threading.Thread(target=consume, daemon=True)
    reader.start()
    try:
        yield refused
    finally:
        stopped.set()
        reader.join()
