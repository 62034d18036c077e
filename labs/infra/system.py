"""A running system: what docker-compose.yml describes, as processes of this machine, owned by this process."""

import dataclasses
import os
import re
import secrets
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labs.infra import broker as brokers
from labs.infra import compose
from labs.infra.compose import ComposeError, Service
from labs.infra.debian import disk_words
from labs.infra.directories import copy_code, make, prune
from labs.infra.home import PROJECT, home
from labs.infra.local import Places, Variables
from labs.infra.owner import GuardLost, Owner
from labs.infra.rabbitmq.node import Ports as NodePorts
from labs.infra.rabbitmq.node import node_command
from labs.infra.start_error import StartError, last_words, meaning
from labs.services.chassis import probe

COMPOSE_FILE = PROJECT / "docker-compose.yml"
BROKER, SETUP = "rabbitmq", "broker-setup"
READY_WITHIN = 40.0
"""Seconds that a service has to become ready; the broker alone needs 10 to 20 on a slow machine."""
PROBE_MODULE = "labs.services.chassis.probe"


class System:
    """`System("shop").up("order-service", "inbox")`. Ends with this process, or with `down`. One thread at a time."""

    def __init__(self, name: str, *, private_broker: bool = False, cold: bool = False) -> None:
        self.id = f"{re.sub(r'[^a-z0-9_-]', '-', name.lower())}-{secrets.token_hex(3)}"
        self.private_broker, self._cold = private_broker, cold
        self.variables = Variables(VHOST=self.id)
        self.services = self._read()
        try:
            prune(name)
            self.directory, self._lock = make(name, self.id)
            self.places = Places(self.directory, self.services)
            copy_code(self.places.code)
        except OSError as error:
            raise StartError(disk_words(error, Path(error.filename or home()))) from None
        self._owner = Owner(self.directory, self._lock.fileno())
        self._ready: set[str] = set()
        self._asked_for: set[str] = set()
        self._log_from: dict[str, int] = {}
        self._own_broker = False
        self.broker: brokers.Broker | None = None

    def up(self, *names: str, timeout: float = READY_WITHIN) -> list[str]:
        """Start these services or groups and all that they depend on, in parallel, and wait until each is ready; no names:
        everything without a profile. What already runs stays as it is. Returns the names of what was started. Raises
        StartError."""
        wanted = [n for n in self.select(*names) if not self._is_up(n)]
        if BROKER in wanted:
            self._choose_broker()
            wanted = [n for n in wanted if n != BROKER or self._own_broker]
        self._asked_for.update(self.select(*names))
        self._start(wanted, timeout)
        return wanted

    def select(self, *names: str) -> list[str]:
        """The services that these names mean, with all they depend on, in the order of the file. Raises ComposeError."""
        return compose.select(self.services, *names)

    def address(self, name: str, port: int | None = None) -> str:
        """host:port of a service; a group's name means its API."""
        if name not in self.services:
            name = f"{name.removesuffix('-service')}-api"
        return self.places.address(name, port) if port else self.places.main_address(name)

    def state(self, name: str) -> str:
        """running, starting, waiting (for its restart), stopping or stopped; empty if never started."""
        return self._owner.news(name).state

    def pid(self, name: str) -> int:
        """Of the process, 0 if there is none now."""
        return self._owner.news(name).pid

    @property
    def guard_pid(self) -> int:
        """Of the guard, above all processes of this system."""
        return self._owner.pid

    def stop(self, *names: str) -> None:
        """SIGTERM, and after the file's grace period SIGKILL; returns when they are gone. They stay down."""
        self._asked_for.difference_update(self._members(names))
        self._halt(*self._alive(names))

    def start(self, *names: str, timeout: float = READY_WITHIN) -> None:
        """Start again what was stopped, and wait until it is ready."""
        self._asked_for.update(self._members(names))
        self._start([n for n in self._members(names) if self.state(n) in ("", "stopped")], timeout)

    def restart(self, *names: str, timeout: float = READY_WITHIN) -> None:
        """`stop`, then `start`, whether they run or not."""
        self._halt(*self._alive(names))
        self.start(*names, timeout=timeout)

    def should_run(self, name: str) -> bool:
        """Whether it was started and not stopped since; it may have ended all the same."""
        return name in self._asked_for

    def knows(self, service: str) -> bool:
        """Whether there is a service of this name, e.g. order."""
        return any(s.group == f"{service}-service" for s in self.services.values())

    def add_consumer(self, name: str) -> None:
        """A new service with a worker of its own, in the shape that `x-consumer` in docker-compose.yml gives it."""
        self.services.update(compose.read_consumer(COMPOSE_FILE, name, self.variables))

    def provision(self) -> None:
        """Give every service that the system has by now its user, rights and exchange in the broker."""
        self._start([SETUP], READY_WITHIN)

    def run(self, name: str, argv: list[str], environment: dict[str, str]) -> None:
        """Start a program that is not in the file, such as JupyterLab, under the same guard. It is not restarted."""
        order = {"do": "start", "name": name, "argv": argv, "cwd": str(PROJECT), "log": str(self.log(name))}
        rules = {"restart": "no", "grace": 10.0, "warm": None, "rank": 0, "disposable": False}
        rules["facts"] = {"address": "", "group": name}
        self._owner.start({**order, **rules, "env": {**os.environ, "LAB_HOME": str(home()), **environment}})

    def log(self, name: str) -> Path:
        """The file that a service's output goes to."""
        return self.places.logs / f"{name}.log"

    def amqp_url(self, user: str = "learner") -> str:
        """How to reach the system's vhost; `learner` may do everything there."""
        password = self.variables[f"PASSWORD_{user.upper()}"]
        return f"amqp://{self.id}.{user}:{password}@{self.places.address(BROKER, 5672)}/{self.id}"

    def down(self) -> None:
        """End every process, remove the vhost; nothing is left but logs and data in `directory`."""
        if self._owner.alive:
            self._owner.close()
        self.places.release()
        self._lock.close()

    # --- how --------------------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, Service]:
        return compose.read(COMPOSE_FILE, self.variables)

    def _members(self, names: tuple[str, ...]) -> list[str]:
        return [n for n, s in self.services.items() if {n, s.group} & set(names) and not self._is_task(n)]

    def _alive(self, names: tuple[str, ...]) -> list[str]:
        return [n for n in self._members(names) if self.state(n) not in ("", "stopped")]

    def _halt(self, *names: str) -> None:
        for name in names:
            self._owner.order({"do": "stop", "name": name})
        for name in names:
            if not self._owner.wait(name, lambda news: news.state == "stopped", self.services[name].grace + 5):
                raise StartError(f"{name} cannot be stopped; `lab ps` shows what it is doing.")

    def _is_task(self, name: str) -> bool:
        """Whether somebody waits for its end, rather than for it."""
        return any(s.depends_on.get(name) == "service_completed_successfully" for s in self.services.values())

    def _is_up(self, name: str) -> bool:
        done = self._is_task(name) and self._owner.news(name).code == 0
        return name in self._ready and (done or self.state(name) not in ("", "stopped"))

    def _choose_broker(self) -> None:
        """The one nearby if there is one that serves us, else a node of our own; once for all."""
        if self.broker:
            return
        broker = None if self.private_broker else brokers.nearby(home())
        if broker:
            self.variables["PASSWORD_ADMIN"] = broker.password
        else:
            self._own_broker = True
            address = self.places.address
            broker = brokers.Broker(address(BROKER, 5672), address(BROKER, 15672), self.variables["PASSWORD_ADMIN"])
        self.broker = broker
        self.places.set_address(BROKER, 5672, broker.amqp)
        self.places.set_address(BROKER, 15672, broker.http)
        self.services.update(self._read())  # the administrator's password is known only now

    def _order(self, name: str) -> dict[str, object]:
        service = self.services[name]
        if name == BROKER:
            port = [int(self.places.address(BROKER, p).rpartition(":")[2]) for p in (5672, 15672, 25672, 4369)]
            command = node_command(self.places.volume("rabbitmq-data"), NodePorts(*port))
            service = dataclasses.replace(service, command=("python", *command[1:]))
            return self.places.order(service, cold=True)
        if name == SETUP:
            members = sorted(
                s.group.removesuffix("-service") for s in self.services.values() if s.group.endswith("-service")
            )
            passwords = {f"PASSWORD_{m.upper()}": self.variables[f"PASSWORD_{m.upper()}"] for m in members}
            order = self.places.order(service, {"SERVICES": ",".join(dict.fromkeys(members)), **passwords}, self._cold)
            if not self._own_broker:
                self._owner.order({**order, "do": "finally", "argv": [*order["argv"], "--remove"]})
            return order
        return self.places.order(service, cold=self._cold)

    def _start(self, names: list[str], timeout: float) -> None:
        """Each as soon as what it depends on is as it wants it. What is on its way already is only waited for."""
        pending, starting = list(names), dict[str, str]()  # with what is wrong still
        deadline = time.monotonic() + timeout
        with ThreadPoolExecutor(8) as probes:
            while pending or starting:
                for name in [n for n in pending if self._may_start(n, pending, starting)]:
                    pending.remove(name)
                    starting[name] = ""
                    if self.state(name) in ("", "stopped"):
                        self._ready.discard(name)
                        self._log_from[name] = self.log(name).stat().st_size if self.log(name).exists() else 0
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

    def _may_start(self, name: str, pending: Collection[str], starting: Collection[str]) -> bool:
        depends_on = self.services[name].depends_on.items()
        started = {n for n, condition in depends_on if condition == "service_started" and self.state(n) == "running"}
        return not {n for n, _ in depends_on} & ({*pending, *starting} - started)

    def _complaint(self, name: str) -> str:
        """Empty when the service is as its dependents want it: completed if a task, else healthy. Raises StartError."""
        news, service = self._owner.news(name), self.services[name]
        if news.exits:
            if news.code == 0 and service.restart in ("no", "on-failure") and not service.health:
                return ""
            self._halt(name)
            raise self._error(name, f"{name} ended with {meaning(news.code)} while it started.")
        if news.state != "running" or self._is_task(name):
            return "has not ended yet" if self._is_task(name) else "is not running yet"
        if name == BROKER:
            return probe.probe(f"amqp://{self.places.address(BROKER, 5672)}")
        words = [self.places.translate(service, word) for word in service.health]
        if words[:3] == ["python", "-m", PROBE_MODULE]:
            return "\n".join(filter(None, map(probe.probe, words[3:])))
        if words:
            raise ComposeError(f"{name}: a health check must be `python -m {PROBE_MODULE} URL…` to run without Docker.")
        return ""

    def _give_up(self, starting: Mapping[str, str], timeout: float) -> None:
        self._halt(*starting)
        name, wrong = next(iter(starting.items()))
        raise self._error(name, f"{name} was not ready within {timeout:g} s: {wrong}")

    def _error(self, name: str, what: str) -> StartError:
        return StartError(last_words(what, self.log(name), self._log_from.get(name, 0)))
