"""Lab 05: what becomes of parcels when a queue is missing, full, or its consumer dies."""

from collections import Counter
from typing import Any

from kombu import Exchange

from labs.classroom import programs, queues, watching
from labs.classroom.checks import lab05_dead
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.infra.logging import files

CHECKS = Checks()
PARCELS = Exchange("parcels", "topic")
SHELF = "check.shelf"
"""A queue that only these checks have; it takes few parcels at a time."""
ROOM, MANY = 5, 20
PATIENCE = 5.0
"""Seconds after which what has not come counts as lost; it takes a tenth of one."""
SLOW, FAST = 0.2, 0.01
"""Seconds for a label of two printers that share a queue."""
SHARED, LARGEST_SHARE = 24, 9
"""Labels for both; the slow one would print 2 of them, and half of them if it was given its half at once."""
PRINTERS = ("printing-service", "second-service")
CHECKS.exercise("replay", "replay/main.py")(lab05_dead.replay)


@CHECKS.exercise("hand_over", "packing/main.py")
def hand_over(lab: Lab, _answer: Any) -> Verdict:
    """No parcel is handed over that the broker does not have."""
    log, printers = lab.system.log("packing"), [name for name in PRINTERS if lab.pids(name)]
    lab.system.stop(*printers)
    queues.delete(lab.system, SHELF, "labels")
    since = files.mark(log)
    lab.system.configure("packing-service", PARCELS=str(MANY))
    lab.system.stop("packing-service")
    programs.begun(lab.system, "packing-service")
    try:
        return _handed_over(lab, since) or passed(
            f"{MANY} parcels: none was handed over while no queue wanted it or while the queue was full, and all came."
        )
    finally:
        queues.delete(lab.system, SHELF)
        lab.system.stop("packing-service")
        lab.system.configure("packing-service", PARCELS="0")
        programs.begun(lab.system, "packing-service", *printers)


def _handed_over(lab: Lab, since: files.Mark) -> Verdict | None:
    def trouble() -> str:
        return programs.raised(lab.system, "packing", since)

    def said() -> int:
        return len(programs.printed(lab.system, "packing", "handed over", since))

    watching.until(lambda: said() >= MANY or trouble(), 1.0)
    if error := trouble():
        return _raises(error, "no queue wanted its parcel")
    if early := said():
        message = (
            f"{early} parcels were handed over while no queue wanted them: the broker threw them away. Which publish fails if "
            "it reaches nobody, and what do you do about one that has failed?"
        )
        return wrong("unheard", message, _story("packed.inland", "no queue: thrown away"))
    queues.make(lab.system, SHELF, PARCELS, "packed.inland", max_length=ROOM, overflow="reject-publish")
    full = watching.until(lambda: lab.queue_depth(SHELF) == ROOM, PATIENCE)
    if error := trouble():
        return _raises(error, "its queue was full")
    if not full:
        message = f"A queue for packed.inland is there now, and {lab.queue_depth(SHELF)} of {ROOM} parcels have come."
        return wrong("nowhere", f"{message} Which exchange do you publish to, and with which routing key?")
    watching.until(lambda: said() > ROOM or trouble(), 1.0)
    if (many := said()) > ROOM:
        message = (
            f"The queue has room for {ROOM}, and {many} parcels were handed over: {many - ROOM} of them are nowhere. The "
            "broker refused them, and you did not wait for its word."
        )
        return wrong("refused", message, _story("packed.inland", f"room for {ROOM}: refused"))
    return _all_come(lab, trouble)


def _all_come(lab: Lab, trouble: Any) -> Verdict | None:
    """Now somebody takes what is there."""
    taken: list[Any] = []
    wanted = set(range(MANY))

    def enough() -> bool:
        taken.extend(queues.take(lab.system, SHELF))
        return {message.payload["parcel"] for message in taken} >= wanted or bool(trouble())

    watching.until(enough, PATIENCE)
    if error := trouble():
        return _raises(error, "its queue was full for a while")
    times = Counter(message.payload["parcel"] for message in taken)
    if lost := wanted - set(times):
        message = f"{len(lost)} of {MANY} parcels never came, although the queue had room again."
        return wrong("gives_up", f"{message} What was refused is handed over once more, until it is taken.")
    if twice := sum(count > 1 for count in times.values()):
        message = f"{twice} parcels came more than once: the broker had confirmed them, and you handed them over again."
        return wrong("repeats", message)
    if any(message.properties.get("delivery_mode") != 2 for message in taken):
        message = (
            "All parcels came, and none of them would survive a restart of the broker: delivery_mode is 1, transient. "
            "Who chose that? kombu's own choice is 2."
        )
        return wrong("transient", message)
    return None


@CHECKS.exercise("printing", "printing/main.py")
def printing(lab: Lab, _answer: Any) -> Verdict:
    """Each parcel has its label, whoever dies, and nobody sits on work that another one could do."""
    programs.twin(lab.system, "printing", "second")
    try:
        failed, share = _shared(lab)
        return (
            failed
            or _survived(lab)
            or _fair(share)
            or passed(
                f"{SHARED} labels by a slow and a fast printer: the slow one was given few of them. A printer was killed "
                "twice, and every parcel has its label."
            )
        )
    finally:
        lab.system.stop(*PRINTERS)
        queues.make(lab.system, "labels", PARCELS, "packed.*")
        lab.system.configure("printing-service", SECONDS="0.05")
        programs.begun(lab.system, "printing-service")


def _shared(lab: Lab) -> tuple[Verdict | None, int]:
    """A slow printer and a fast one, at one queue; with the labels of the slow one."""
    lab.system.stop(*PRINTERS)
    queues.make(lab.system, "labels", PARCELS, "packed.*")
    since = {name: files.mark(lab.system.log(name)) for name in ("printing", "second")}
    for name, seconds in (("printing", SLOW), ("second", FAST)):
        lab.system.configure(f"{name}-service", SECONDS=str(seconds))
    programs.begun(lab.system, *PRINTERS)

    def labels(name: str) -> list[str]:
        return programs.printed(lab.system, name, "label", since[name])

    queues.put(lab.system, ({"parcel": number} for number in range(SHARED)), PARCELS, "packed.inland")
    watching.until(lambda: len(labels("printing") + labels("second")) >= SHARED, PATIENCE)
    done = len({*labels("printing"), *labels("second")})
    lab.system.stop(*PRINTERS)
    left = lab.queue_depth("labels")
    failed = None
    if error := programs.raised(lab.system, "printing", since["printing"]):
        failed = wrong("raises", f"Parcels came, and your program ended with {error}.")
    elif not done:
        message = f"{SHARED} parcels wait in the queue `labels`, and no label was printed. Do you consume from it?"
        failed = wrong("idle", message)
    elif left > 2 and done + left > SHARED:  # the last two may have been stopped between label and ack
        message = (
            f"{done} labels were printed, and {left} of {SHARED} parcels are back in the queue since the printers stopped: "
            "nobody acknowledged them, so all of it will be done again."
        )
        failed = wrong(
            "never_acks", message, ("broker->>printing: parcel 1", "Note over printing: label 1, and silence")
        )
    return failed, len(labels("printing"))


def _fair(share: int) -> Verdict | None:
    if share <= LARGEST_SHARE:
        return None
    message = (
        f"Two printers, one {SLOW / FAST:.0f} times as slow: it printed {share} of {SHARED} labels, and the fast one stood "
        "idle meanwhile. The broker hands out all that it may, at once; say how much one may have in hand."
    )
    return wrong("hoards", message, ("broker->>slow: 12 parcels at once", "broker->>fast: 12 parcels at once",
                                     "Note over fast: done, and idle", "Note over slow: 10 still in hand"))  # fmt: skip


def _survived(lab: Lab) -> Verdict | None:
    """One printer, killed in the middle of its work, twice."""
    lab.system.configure("printing-service", SECONDS="0.1")
    queues.make(lab.system, "labels", PARCELS, "packed.*")
    lab.system.start("printing-service")
    since = files.mark(lab.system.log("printing"))
    many = 10

    def labels() -> list[str]:
        return programs.printed(lab.system, "printing", "label", since)

    queues.put(lab.system, ({"parcel": number} for number in range(many)), PARCELS, "packed.inland")
    for done in (2, 5):
        watching.until(lambda done=done: len(labels()) >= done, PATIENCE)  # type: ignore[misc]
        programs.killed(lab.system, "printing")
    watching.until(lambda: len(set(labels())) == many or not lab.queue_depth("labels"), PATIENCE)
    watching.until(lambda: len(set(labels())) == many, 1.0)
    lost, twice = many - len(set(labels())), len(labels()) - len(set(labels()))
    if lost > 2:
        message = (
            f"The printer was killed while it worked, and {lost} of {many} parcels have no label: the broker had forgotten "
            "them the moment it handed them out. It should keep each until you say that it is done."
        )
        return wrong("auto_ack", message, ("broker->>printing: all parcels", "Note over broker: forgets them",
                                           "Note over printing: killed"))  # fmt: skip
    if lost:
        message = (
            f"The printer was killed twice, and {lost} of {many} parcels have no label: those that it had in its hands. They "
            "were acknowledged before they were printed."
        )
        return wrong("acks_early", message, ("broker->>printing: parcel 3", "printing->>broker: ack",
                                             "Note over printing: killed, no label"))  # fmt: skip
    if twice > 2:
        return wrong("repeats", f"{twice} labels were printed twice after two deaths: at most one each may come again.")
    return None


def _raises(error: str, when: str) -> Verdict:
    return wrong("raises", f"Your program ended with {error} when {when}, and began from the first parcel again.")


def _story(key: str, ending: str) -> tuple[str, ...]:
    return (f"packing->>broker: parcel 1, {key}", f"Note over broker: {ending}", "Note over packing: handed over 1")
