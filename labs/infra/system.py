"""A running system: what docker-compose.yml describes, as processes of this machine, owned by this process."""

import dataclasses
import re
import secrets
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labs.infra import broker as brokers
from labs.infra import compose
from labs.infra.compose import ComposeError, Service
from labs.infra.directories import make, prune
from labs.infra.home import PROJECT, home
from labs.infra.local import Places, Variables
from labs.infra.owner import Owner
from labs.infra.rabbitmq.node import Ports as NodePorts
from labs.infra.rabbitmq.node import node_command
from labs.services.chassis import probe

COMPOSE_FILE = PROJECT / "docker-compose.yml"
BROKER, SETUP = "rabbitmq", "broker-setup"
READY_WITHIN = 40.0
"""Seconds that a service has to become ready; the broker alone needs 10 to 20 on a slow machine."""
PROBE_MODULE = "labs.services.chassis.probe"


class StartError(Exception):
    """A service did not come up; the message holds its own last lines."""


class System:
    """`System("shop").up("order-service", "inbox")`. Ends with this process, or with `down`. One thread at a time."""

    def __init__(self, name: str, *, private_broker: bool = False, cold: bool = False) -> None:
        self.id = f"{re.sub(r'[^a-z0-9_-]', '-', name.lower())}-{secrets.token_hex(3)}"
        self.private_broker, self._cold = private_broker, cold
        self.variables = Variables(VHOST=self.id)
        self.services = self._read()
        prune(name)
        self.directory, self._lock = make(name, self.id)
        self.places = Places(self.directory, self.services)
        shutil.copytree(
            PROJECT / "labs/services", self.places.code / "labs/services", ignore=shutil.ignore_patterns("__pycache__")
        )
        shutil.copy(PROJECT / "labs/__init__.py", self.places.code / "labs")
        self._owner = Owner(self.directory, self._lock.fileno())
        self._up: list[str] = []
        self._own_broker = False
        self.broker: brokers.Broker | None = None

    def up(self, *names: str, timeout: float = READY_WITHIN) -> list[str]:
        """Start these services or groups and all that they depend on, in parallel, and wait until each is ready; no names:
        everything without a profile. What already runs stays as it is. Returns the names of what was started. Raises
        StartError."""
        wanted = [n for n in self.select(*names) if self._owner.news(n).state in ("", "stopped")]
        wanted = [n for n in wanted if not (self._is_task(n) and n in self._up and self._owner.news(n).code == 0)]
        if BROKER in wanted:
            wanted = self._choose_broker(wanted)
        self._start(wanted, timeout)
        self._up += [n for n in wanted if n not in self._up]
        return wanted

    def select(self, *names: str) -> list[str]:
        """The services that these names mean, with all they depend on, in the order of the file. Raises ComposeError."""
        chosen: set[str] = set()
        for name in names or [n for n, s in self.services.items() if not s.profiles]:
            members = [n for n, s in self.services.items() if name in (n, s.group)]
            if not members:
                known = sorted({s.group for s in self.services.values()} | set(self.services))
                raise ComposeError(f"There is no service {name!r}. Known: {', '.join(known)}.")
            chosen.update(members)
        while more := {d for n in chosen for d in self.services[n].depends_on} - chosen:
            chosen |= more
        return [name for name in self.services if name in chosen]

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

    def stop(self, *names: str) -> None:
        """SIGTERM, and after the file's grace period SIGKILL; returns when they are gone. They stay down."""
        running = [n for n in self._members(names) if self.state(n) not in ("", "stopped")]
        for name in running:
            self._owner.order({"do": "stop", "name": name})
        for name in running:
            if not self._owner.wait(name, lambda news: news.state == "stopped", self.services[name].grace + 5):
                raise StartError(f"{name} cannot be stopped; `lab ps` shows what it is doing.")

    def start(self, *names: str, timeout: float = READY_WITHIN) -> None:
        """Start again what was stopped, and wait until it is ready."""
        self._start([n for n in self._members(names) if self.state(n) in ("", "stopped")], timeout)

    def restart(self, *names: str, timeout: float = READY_WITHIN) -> None:
        """`stop`, then `start`."""
        self.stop(*names)
        self.start(*names, timeout=timeout)

    def knows(self, service: str) -> bool:
        """Whether there is a service of this name, e.g. order."""
        return any(s.group == f"{service}-service" for s in self.services.values())

    def add_consumer(self, name: str) -> None:
        """A new service with a worker of its own, in the shape that `x-consumer` in docker-compose.yml gives it."""
        self.services.update(compose.read_consumer(COMPOSE_FILE, name, self.variables))

    def provision(self) -> None:
        """Give every service that the system has by now its user, rights and exchange in the broker."""
        self._start([SETUP], READY_WITHIN)

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

    def _is_task(self, name: str) -> bool:
        return self.services[name].restart == "no"

    def _choose_broker(self, wanted: list[str]) -> list[str]:
        """Without the broker if one nearby serves us; the ports of the one that does."""
        broker = None if self.private_broker else brokers.nearby(home())
        if broker:
            wanted = [name for name in wanted if name != BROKER]
            self.variables["PASSWORD_ADMIN"] = broker.password
        else:
            self._own_broker = True
            address = self.places.address
            broker = brokers.Broker(address(BROKER, 5672), address(BROKER, 15672), self.variables["PASSWORD_ADMIN"])
        self.broker = broker
        self.places.set_address(BROKER, 5672, broker.amqp)
        self.places.set_address(BROKER, 15672, broker.http)
        self.services.update(self._read())  # the administrator's password is known only now
        return wanted

    def _order(self, name: str) -> dict[str, object]:
        service = self.services[name]
        if name == BROKER:
            port = [int(self.places.address(BROKER, p).rpartition(":")[2]) for p in (5672, 15672, 25672, 4369)]
            command = node_command(self.places.volume("rabbitmq-data"), NodePorts(*port))
            service = dataclasses.replace(service, command=("python", *command[1:]))
            return self.places.order(service, cold=True)
        if name == SETUP:
            members = sorted(s.group.removesuffix("-service") for s in self.services.values() if s.group.endswith("-service"))
            passwords = {f"PASSWORD_{m.upper()}": self.variables[f"PASSWORD_{m.upper()}"] for m in members}
            order = self.places.order(service, {"SERVICES": ",".join(dict.fromkeys(members)), **passwords}, self._cold)
            if not self._own_broker:
                self._owner.order({**order, "do": "finally", "argv": [*order["argv"], "--remove"]})
            return order
        return self.places.order(service, cold=self._cold)

    def _start(self, names: list[str], timeout: float) -> None:
        pending, starting = list(names), dict[str, float]()
        deadline = time.monotonic() + timeout
        complaints: dict[str, str] = {}
        with ThreadPoolExecutor(8) as probes:
            while pending or starting:
                for name in [n for n in pending if self._may_start(n, {*pending, *starting})]:
                    pending.remove(name)
                    starting[name] = time.monotonic()
                    self._owner.start(self._order(name))
                for name, wrong in zip(list(starting), probes.map(self._complaint, list(starting)), strict=True):
                    complaints[name] = wrong
                    if not wrong:
                        del starting[name]
                if time.monotonic() > deadline:
                    self._give_up(starting or dict.fromkeys(pending, 0.0), complaints, timeout)
                time.sleep(0.02)

    def _may_start(self, name: str, unfinished: set[str]) -> bool:
        return not unfinished & set(self.services[name].depends_on)

    def _complaint(self, name: str) -> str:
        """Empty when the service is as its dependents want it: completed if a task, else healthy. Raises StartError."""
        news, service = self._owner.news(name), self.services[name]
        if news.exits:
            if self._is_task(name) and news.code == 0:
                return ""
            if not self._is_task(name):
                self._owner.order({"do": "stop", "name": name})
            raise StartError(self._last_words(name, f"{name} ended with {_meaning(news.code)} while it started."))
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

    def _give_up(self, starting: dict[str, float], complaints: dict[str, str], timeout: float) -> None:
        for name in starting:
            self._owner.order({"do": "stop", "name": name})
        name = next(iter(starting))
        wrong = complaints.get(name) or "it was not started"
        raise StartError(self._last_words(name, f"{name} was not ready within {timeout:g} s: {wrong}"))

    def _last_words(self, name: str, what: str, lines: int = 12) -> str:
        try:
            last = self.log(name).read_text(errors="replace").splitlines()[-lines:]
        except OSError:
            last = []
        said = "\n".join(f"  {line}" for line in last) or "  (it said nothing)"
        return f"{what}\nIts last lines (all of them: lab logs {name}):\n{said}"


def _meaning(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
