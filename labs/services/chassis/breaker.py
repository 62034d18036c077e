"""Asks nobody who failed again and again a moment ago: it would cost time here and load there. Around pybreaker."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pybreaker

FAILURES, OPEN_SECONDS = 5, 2.0
"""After so many failures in a row nothing is tried for so long; then one trial says whether all is well again."""


class Down(Exception):
    """It is not tried now."""


class Breaker:
    """One for a dependency, safe in threads and greenlets."""

    def __init__(self) -> None:
        self._breaker = pybreaker.CircuitBreaker(FAILURES, OPEN_SECONDS, throw_new_error_on_trip=False)
        self._trial = threading.Lock()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Any exception inside is a failure. Raises Down instead of entering while that is the better thing to do.

        pybreaker's own `call` holds a lock until what it calls returns, so that requests would wait for each other; its
        `calling` does not, and lets any number of trials through at once."""
        trial = self._breaker.current_state != pybreaker.STATE_CLOSED
        if trial and not self._trial.acquire(blocking=False):
            raise Down
        try:
            with self._breaker.calling():
                yield
        except pybreaker.CircuitBreakerError:
            raise Down from None
        finally:
            if trial:
                self._trial.release()
