"""How long whoever asked still waits. The moment travels in a header, as it is and not as a number of seconds left: so the
time that a request spends in queues counts. The clocks of the hosts must agree within some tens of milliseconds."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Deadline"
"""Seconds since the epoch, with a fraction."""
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def until(moment: float) -> Iterator[None]:
    """What is done inside should end at `moment` (seconds since the epoch), or earlier if an outer deadline says so."""
    token = _deadline.set(min(moment, _deadline.get()))
    try:
        yield
    finally:
        _deadline.reset(token)


def remaining() -> float:
    """Seconds left, never below 0; infinite if nobody has set a deadline."""
    return max(0.0, _deadline.get() - time.time())


def header() -> dict[str, str]:
    """What to send with a request, so that the one asked knows it too."""
    return {} if math.isinf(_deadline.get()) else {HEADER: f"{_deadline.get():.3f}"}


def read(text: str) -> float:
    """The moment in a header, infinite if it is empty. Raises ValueError for anything else that is no number."""
    moment = float(text or math.inf)
    if math.isnan(moment):
        raise ValueError(text)
    return moment
