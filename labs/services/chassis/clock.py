"""What nobody waits for, in a process that serves requests: timers, in one thread beside them."""

import threading
import time
from collections.abc import Callable, Sequence

from labs.services.chassis import logs

log = logs.get(__name__)

Timer = tuple[float, Callable[[], None]]
"""Seconds between two calls, and what is called."""


class Clock:
    """Calls each timer when it is due, one after the other. One that fails is called again when it is due again."""

    def __init__(self, timers: Sequence[Timer]) -> None:
        self._timers = timers
        self._stopped = threading.Event()

    def start(self) -> "Clock":
        """In a thread that ends with the process: what it interrupts is due again at the next start."""
        threading.Thread(target=self._run, name="clock", daemon=True).start()
        return self

    def stop(self) -> None:
        """No call begins after this."""
        self._stopped.set()

    def _run(self) -> None:
        due = [time.monotonic() + interval for interval, _ in self._timers]
        while not self._stopped.wait(max(0.0, min(due) - time.monotonic())):
            for index, (interval, call) in enumerate(self._timers):
                if due[index] <= time.monotonic():
                    self._call(call)
                    due[index] = time.monotonic() + interval

    def _call(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # whatever it was, the others go on
            log.error("a timer failed", timer=getattr(call, "__name__", ""), exc_info=error)
