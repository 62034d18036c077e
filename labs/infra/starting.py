"""Brings the processes of a system up: each as soon as what it depends on is as it wants it, until it is ready or has said
why not. Which command a process is, and which of them are wanted, is decided elsewhere."""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from labs.infra.compose import Service
from labs.infra.local import Places
from labs.infra.logging import files
from labs.infra.owner import GuardLost, Owner
from labs.infra.start_error import StartError, last_words, meaning
from labs.services.chassis.probe import probe


class Starting:
    """`order` gives the guard's start order for a name. Not for two threads at once."""

    def __init__(
        self, services: Mapping[str, Service], places: Places, owner: Owner, order: Callable[[str], dict[str, Any]]
    ) -> None:
        self._services, self._places, self._owner, self._order = services, places, owner, order
        self._ready: set[str] = set()
        self._log_from: dict[str, files.Mark] = {}

    def start(self, names: Collection[str], timeout: float) -> None:
        """Start these and wait until each is ready; what is on its way already is only waited for. Raises StartError after
        `timeout` seconds or when one fails, GuardLost."""
        pending, starting = list(names), dict[str, str]()  # with what is wrong still
        deadline = time.monotonic() + timeout
        with ThreadPoolExecutor(8) as probes:
            while pending or starting:
                for name in [n for n in pending if self._may_start(n, pending, starting)]:
                    pending.remove(name)
                    starting[name] = ""
                    if self._state(name) in ("", "stopped"):
                        self._ready.discard(name)
                        self._log_from[name] = files.mark(self._places.log(name))
                        self._owner.start(self._order(name))
                for name, wrong in zip(list(starting), probes.map(self._complaint, list(starting)), strict=True):
                    starting[name] = wrong
                    if not wrong:
                        del starting[name]
                        self._ready.add(name)
                if not self._owner.alive:
                    raise GuardLost
                if starting and time.monotonic() > deadline:
                    self._give_up(starting, timeout)
                time.sleep(0.02)

    def halt(self, *names: str) -> None:
        """Ask these to end; returns when they have. Raises StartError."""
        for name in names:
            self._owner.order({"do": "stop", "name": name})
        for name in names:
            if not self._owner.wait(name, lambda news: news.state == "stopped", self._services[name].grace + 5):
                raise StartError(f"{name} cannot be stopped; `lab ps` shows what it is doing.")

    def is_task(self, name: str) -> bool:
        """Whether somebody waits for its end, rather than for it."""
        return any(s.depends_on.get(name) == "service_completed_successfully" for s in self._services.values())

    def is_up(self, name: str) -> bool:
        """Whether it was ready and has not been stopped since; a task, whether it is done."""
        done = self.is_task(name) and self._owner.news(name).code == 0
        return name in self._ready and (done or self._state(name) not in ("", "stopped"))

    def _state(self, name: str) -> str:
        return self._owner.news(name).state

    def _may_start(self, name: str, pending: Collection[str], starting: Collection[str]) -> bool:
        depends_on = self._services[name].depends_on.items()
        started = {n for n, condition in depends_on if condition == "service_started" and self._state(n) == "running"}
        return not {n for n, _ in depends_on} & ({*pending, *starting} - started)

    def _complaint(self, name: str) -> str:
        """Empty when the service is as its dependents want it: completed if a task, else healthy. Raises StartError."""
        news, service = self._owner.news(name), self._services[name]
        if news.exits:
            if news.code == 0 and service.restart in ("no", "on-failure") and not service.health:
                return ""
            self.halt(name)
            raise self._error(name, f"{name} ended with {meaning(news.code)} while it started.")
        if news.state != "running" or self.is_task(name):
            return "has not ended yet" if self.is_task(name) else "is not running yet"
        return "\n".join(filter(None, (probe(self._places.translate(service, url)) for url in service.probes)))

    def _give_up(self, starting: Mapping[str, str], timeout: float) -> None:
        self.halt(*starting)
        name, wrong = next(iter(starting.items()))
        raise self._error(name, f"{name} was not ready within {timeout:g} s: {wrong}")

    def _error(self, name: str, what: str) -> StartError:
        return StartError(last_words(what, self._places.log(name), self._log_from.get(name)))
