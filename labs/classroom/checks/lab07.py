"""Lab 07: the learner's versions are killed at named points, and all books are compared."""

from typing import Any
from uuid import uuid4

from labs.classroom import programs, watching
from labs.classroom.checks import lab07_undo
from labs.classroom.fates import PATIENCE, Fate, Fates
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.infra.logging import files

CHECKS = Checks()
CHECKS.exercise("compensation", "gifts/main.py")(lab07_undo.compensation)


@CHECKS.exercise("outbox", "outbox/main.py")
def outbox(lab: Lab, _answer: Any) -> Verdict:
    """What is booked is told, and nothing else is, wherever the process dies."""
    programs.fresh(lab.system, "outbox")
    fates, since = Fates(lab.system), files.mark(lab.system.log("outbox"))
    calm = [fates.calm("outbox") for _ in range(3)]
    if error := programs.raised(lab.system, "outbox", since):
        return wrong("raises", f"An order was paid for, and your program ended with {error}.")
    if failed := _nothing(calm[0]):
        return failed
    if calm[0].told > 1 or calm[0].booked > 1:
        message = f"Nobody died, and one order was booked {calm[0].booked} times and told {calm[0].told} times."
        return wrong("repeats", message)
    if (copies := max(fate.copies for fate in calm)) > 1:
        return wrong(
            "again", f"Nobody died, and one event went out {copies} times: what is sent must be marked as sent."
        )
    if failed := _dies(fates):
        return failed
    if error := programs.raised(lab.system, "outbox", since):
        return wrong("raises", f"Your program died and was started again, and then it ended with {error}.")
    return passed(
        "Killed before and after its commit, before it published, before the confirm: what was booked was told, under the same "
        "id each time, and nothing else was."
    )


def _nothing(fate: Fate) -> Verdict | None:
    if not fate.booked:
        return wrong("unbooked", "An order was paid for, and the table `points` has no row for it.")
    if not fate.told:
        message = "An order was paid for and its points are booked, and nobody was told: the relay publishes nothing."
        return wrong("silent", message, ("Note over outbox: commit", "Note over everybody: silence"))
    return None


def _dies(fates: Fates) -> Verdict | None:
    """One death after the other; each tells something else."""
    told = fates.death(["outbox"], "before_commit@1").get("outbox")
    if told and told.told > told.booked:
        message = (
            f"It died before its commit, so nothing was booked; but others had been told already. The event came again: "
            f"{told.told} were told of {told.booked} booking. What a transaction may still take back, nobody may hear of."
        )
        return wrong("ghost", message, ("outbox->>everybody: points given", "Note over outbox: dies, nothing is booked",
                                        "outbox->>everybody: points given, again"))  # fmt: skip
    told = fates.death(["outbox"], "after_commit@1").get("outbox")
    if told and told.told < told.booked:
        return _lost(told, "right after its first commit", "The points were in it, and what was to be told was not.")
    if told and told.told > told.booked:
        message = (
            f"It died right after its first commit. What was to be told was in it, and the points were not: {told.told} were "
            f"told of {told.booked} booking. Both belong into one transaction."
        )
        return wrong("ghost", message, ("Note over outbox: commit of the event", "Note over outbox: dies",
                                        "outbox->>everybody: points given, and they are not"))  # fmt: skip
    told = fates.death(["outbox"], "before_publish@1").get("outbox")
    if told is None:
        return wrong("around", "Your relay never passes through `steps.tell`. How do others hear of the points?")
    if told.told < told.booked:
        return _lost(
            told,
            "before it published",
            "The row was marked as sent, and was not: mark it when the broker has it.",
            "marks_first",
        )
    told = fates.death(["outbox"], "before_confirm@1").get("outbox")
    if told and told.told > told.booked:
        message = (
            f"It died before the broker's confirm and sent its event again, under another id: {told.told} events of "
            f"{told.booked} bookings, and no receiver can know that two are one. Make the id when you write the row."
        )
        return wrong("renamed", message, ("outbox->>everybody: points given, id 1", "Note over outbox: dies before the confirm",
                                          "outbox->>everybody: points given, id 2"))  # fmt: skip
    return None


def _lost(fate: Fate, when: str, why: str, name: str = "lost") -> Verdict:
    message = f"It died {when}. In the end {fate.booked} bookings are there, and {fate.told} were told of. {why}"
    return wrong(name, message, ("Note over outbox: points booked", f"Note over outbox: dies {when}",
                                 "Note over everybody: never hears of it"))  # fmt: skip


@CHECKS.exercise("inbox", "inbox/main.py")
def inbox(lab: Lab, _answer: Any) -> Verdict:
    """One event, one booking, however often it comes and whenever the process dies."""
    programs.fresh(lab.system, "inbox")
    fates, since = Fates(lab.system), files.mark(lab.system.log("inbox"))
    calm = fates.calm("inbox")
    if not calm.booked:
        if error := programs.raised(lab.system, "inbox", since):
            return wrong("raises", f"An order was paid for, and your program ended with {error}.")
        return wrong(
            "unbooked",
            "An order was paid for, and the table `points` has no row for it. What does `book` do with an id that is new?",
        )
    if not calm.told:
        message = (
            "The points are booked and nobody was told. Does `book` write into the outbox, and does exercise 1 pass?"
        )
        return wrong("silent", message)
    thrice = fates.calm("inbox", times=3)
    if error := programs.raised(lab.system, "inbox", since):
        message = (
            f"An event came a second time, and your program ended with {error}. So it comes a third time, and for ever."
        )
        return wrong("raises", message)
    if thrice.booked > 1:
        message = f"One event came three times, as brokers may deliver it, and was booked {thrice.booked} times."
        return wrong("doubled", message, tuple(f"broker->>inbox: order_paid (delivery {n})" for n in (1, 2, 3)))
    return (
        _two_of_one(fates)
        or _remembers(fates)
        or passed(
            "One event three times: one booking. Two events of one order: two. Killed after its commit and before its ack: one "
            "booking, told once."
        )
    )


def _two_of_one(fates: Fates) -> Verdict | None:
    """An order that is paid for in two parts."""
    order_id = uuid4().hex
    for _ in range(2):
        fates.hand("inbox", order_id)
    booked = watching.until(lambda: fates.of("inbox", order_id).booked == 2, PATIENCE)
    if booked:
        return None
    message = (
        "An order was paid for in two parts, two events with two ids, and one was booked. Remember events, not orders."
    )
    return wrong("too_much", message)


def _remembers(fates: Fates) -> Verdict | None:
    fate = fates.death(["inbox"], "before_ack@1").get("inbox")
    if fate and fate.booked > 1:
        message = (
            "It booked, died before the ack, and was started again; the broker delivered the event once more, and it was "
            "booked once more. What a process remembers dies with it."
        )
        return wrong("forgets", message, ("broker->>inbox: order_paid", "Note over inbox: booked, dies before the ack",
                                          "broker->>inbox: order_paid", "Note over inbox: booked"))  # fmt: skip
    fate = fates.death(["inbox"], "after_commit@1").get("inbox")
    if fate and fate.booked > 1:
        message = (
            "It died right after its first commit. The points were in it, and the event's id was not: when the event came "
            "again nobody knew it. Effect and id belong into one transaction."
        )
        return wrong("late", message, ("Note over inbox: commit of the points", "Note over inbox: dies",
                                       "broker->>inbox: order_paid", "Note over inbox: booked again"))  # fmt: skip
    if fate and fate.lost:
        message = (
            "It died right after its first commit. The event's id was in it, and the points were not: when the event came "
            "again it was taken for done. Effect and id belong into one transaction."
        )
        return wrong("lost", message, ("Note over inbox: commit of the id", "Note over inbox: dies",
                                       "broker->>inbox: order_paid", "Note over inbox: knows it, does nothing"))  # fmt: skip
    return None
