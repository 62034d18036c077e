"""Processes that kill themselves at a named crash point, again and again, until each has died so often.

Workers are started anew by us, at once, each time to die at another passage. An API's master process does that itself, within
the same second; there only its worker dies, always at the same passage."""

import dataclasses
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from labs.infra.logging.files import Tail
from labs.infra.start_error import StartError
from labs.infra.system import System

PASSAGES = (1, 1, 2, 3, 5, 8)
"""At which one a worker dies, drawn anew for each life: some get nothing done, most get something done."""
OF_AN_API = 4
"""The same for an API, for all its lives."""
_IN_A_MASTER = re.compile(r"Worker \(pid:\d+\) was sent SIGKILL")

COMMITS = {"before_commit", "after_commit"}
TELLS = COMMITS | {"before_publish", "before_confirm"}
HANDLES = TELLS | {"after_effect_before_commit", "before_ack"}
CALLS = HANDLES | {"before_call", "after_call"}
PASSES: Mapping[str, set[str]] = {
    "user-api": COMMITS,
    "user-worker": TELLS,
    "inventory-api": COMMITS,
    "inventory-worker": HANDLES,
    "order-api": COMMITS,
    "order-worker": CALLS,
    "notification-api": set(),
    "notification-worker": CALLS,
    "outside": COMMITS,
}
"""Which process passes which points. Tests hold this to the truth: whoever passes one dies there, nobody else does."""


def arm(system: System, name: str, where: str = "") -> None:
    """From its next start on this process dies at point@n and stays dead; or, without one, runs as docker-compose.yml says."""
    service = system.services[name]
    environment = {key: value for key, value in service.environment.items() if key != "CRASH"}
    if where:
        environment["CRASH"] = where
    restart = "no" if where else "unless-stopped"
    system.services[name] = dataclasses.replace(service, environment=environment, restart=restart)


def disarm(system: System) -> None:
    """Nothing is armed any more, and what was runs again."""
    armed = [name for name, service in system.services.items() if "CRASH" in service.environment]
    system.stop(*armed)
    for name in armed:
        arm(system, name)
    system.start(*armed, timeout=90)


class Killing:
    """Of all processes, each at those of `points` that it passes, one point after the other. Who passes none of them is armed
    too, and must live. `deaths` counts them by process and point."""

    def __init__(self, system: System, points: Sequence[str], chance: random.Random) -> None:
        self._system, self._points, self._chance = system, points, chance
        self.deaths: Counter[tuple[str, str]] = Counter()
        self._tails: dict[str, Tail] = {}

    def until(self, times: int, within: float) -> None:
        """Let each die so often at each of its points, in so many seconds at most. Who has died often enough lives on, so that
        those behind it get something to do."""
        self._system.stop(*PASSES)
        at = {name: self._next(name, times) for name in PASSES}
        for name, point in at.items():
            self._tails[name] = tail = Tail(self._system.log(name))
            tail.read()  # what it said before
            self._arm(name, point or self._points[0])
        deadline = time.monotonic() + within
        self._start(*PASSES)
        while any(at.values()):
            if time.monotonic() > deadline:
                missing = {name: point for name, point in at.items() if point}
                raise AssertionError(f"died too seldom in {within:g} s: {missing}; there were {dict(self.deaths)}")
            dead = [name for name in PASSES if self._died(name)]
            self.deaths.update((name, at[name] or self._points[0]) for name in dead)
            self._count_in_masters(at)
            done = [name for name, point in at.items() if point and self._next(name, times) != point]
            self._system.stop(*done)
            self._count_in_masters(at)  # who died just now did so at the old point
            for name in {*dead, *done}:
                at[name] = self._next(name, times)
                self._arm(name, at[name])
            self._start(*dead, *done)
            time.sleep(0 if dead else 0.02)

    @property
    def strangers(self) -> dict[tuple[str, str], int]:
        """Deaths at points that the process was not known to pass."""
        return {(name, point): n for (name, point), n in self.deaths.items() if n and point not in PASSES[name]}

    def _next(self, name: str, times: int) -> str:
        """The first of its points at which it has not died so often; empty after the last."""
        mine = (point for point in self._points if point in PASSES[name])
        return next((point for point in mine if self.deaths[name, point] < times), "")

    def _arm(self, name: str, point: str) -> None:
        nth = 1 if point not in PASSES[name] else self._chance.choice(PASSAGES) if _is_worker(name) else OF_AN_API
        arm(self._system, name, f"{point}@{nth}" if point else "")

    def _died(self, name: str) -> bool:
        if self._system.state(name) != "stopped":
            return False
        code = self._system.exit_code(name)
        assert code == -signal.SIGKILL, f"{name} ended with {code}, and not at a crash point"
        return True

    def _start(self, *names: str) -> None:
        try:
            self._system.start(*names, timeout=90)
        except StartError:
            dead = [name for name in names if self._system.state(name) == "stopped"]
            if not dead or not all(_is_worker(name) for name in dead):
                raise  # it did not die at its point

    def _count_in_masters(self, at: Mapping[str, str]) -> None:
        """gunicorn says so when its worker was killed, whoever did it."""
        for name in PASSES:
            if not _is_worker(name):
                count = sum(bool(_IN_A_MASTER.search(line)) for line in self._tails[name].read())
                self.deaths[name, at[name] or self._points[0]] += count


def _is_worker(name: str) -> bool:
    return name.endswith("-worker")
