"""Named points at which a process kills itself, to prove that nothing is lost there: CRASH="before_ack@3" arms one of them.

Nothing is cleaned up, as when the system kills it. Where none is armed a point costs one comparison."""

import os
import signal
import threading

POINTS = {
    "before_commit": "a transaction has done its work; nothing of it is committed",
    "after_commit": "a transaction is committed; whoever asked for it does not know yet",
    "before_publish": "events are committed and marked as waiting; the broker has seen none of this batch",
    "before_confirm": "the broker has the batch; its confirm is not read, nothing is marked as sent",
    "after_effect_before_commit": "an event's handler has returned; neither effect nor inbox row is committed",
    "before_ack": "an event's effect is committed; the broker does not know and will deliver it again",
    "before_call": "a step of a saga is written down; the other side has not been asked",
    "after_call": "the other side has done what a step asked; the answer is not written down",
}
"""What is true when a process dies there, by name."""

_armed, _left = "", 0
_turn = threading.Lock()


def known(where: str) -> str:
    """`where`, if it says `point@n` or nothing. Raises ValueError."""
    name, _, count = where.partition("@")
    if where and (name not in POINTS or not count.isdecimal() or int(count) < 1):
        raise ValueError(f"must be point@n with n from 1, and a point of {', '.join(POINTS)}; not {where!r}")
    return where


def arm(where: str) -> None:
    """`point@n`: kill this process when it passes `point` for the n-th time from now on; empty: never. Raises ValueError."""
    global _armed, _left
    name, _, count = known(where).partition("@")
    _armed, _left = name, int(count or 0)


def point(name: str) -> None:
    """The process passes `name`, and lives on unless this is the armed point and its time has come."""
    global _left
    if name != _armed:
        return
    with _turn:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
