"""A running system: what docker-compose.yml describes, as processes of this machine, owned by this process."""

import dataclasses
import os
import re
import secrets
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Literal

from labs.infra import broker as brokers
from labs.infra import collecting, compose
from labs.infra.compose import Service
from labs.infra.debian import Progress, disk_words
from labs.infra.directories import copy_code, make, prune
from labs.infra.faults import laying
from labs.infra.faults.named import WIRE
from labs.infra.home import PROJECT, home
from labs.infra.local import Places
from labs.infra.monitors import MONITORS, fetch_monitors, find_monitor
from labs.infra.owner import Owner
from labs.infra.programs import FetchError, fetch_postgres, find_postgres
from labs.infra.prometheus import targets
from labs.infra.rabbitmq.node import Ports as NodePorts
from labs.infra.rabbitmq.node import node_command
from labs.infra.start_error import StartError
from labs.infra.starting import Starting
from labs.infra.variables import Variables

COMPOSE_FILE = PROJECT / "docker-compose.yml"
BROKER, SETUP = "rabbitmq", "broker-setup"
POSTGRES, POSTGRES_SETUP = "postgres", "postgres-setup"
PROMETHEUS = "prometheus"
Databases = Literal["sqlite", "postgresql"]
READY_WITHIN = 40.0
"""Seconds that a service has to become ready; the broker alone needs 10 to 20 on a slow machine."""


class System:
    """`System("shop").up("order-service", "outside")`. Ends with this process, or with `down`. One thread at a time.
    `databases` says what the services keep their data in, `profiles` which services start beside those without a profile."""

    def __init__(
        self,
        name: str,
        *,
        private_broker: bool = False,
        cold: bool = False,
        databases: Databases = "sqlite",
        profiles: Collection[str] = (),
    ) -> None:
        self.id = f"{re.sub(r'[^a-z0-9_-]', '-', name.lower())}-{secrets.token_hex(3)}"
        self.private_broker, self._cold = private_broker, cold
        postgresql = databases == "postgresql"
        self.variables = Variables(VHOST=self.id, postgresql=postgresql)
        self.profiles = {*profiles, *([POSTGRES] if postgresql else [])}
        self._as_read = self._read()
        self.services = dict(self._as_read)
        try:
            prune(name)
            self.directory, self._lock = make(name, self.id)
            self.places = Places(self.directory, self.services)
            copy_code(self.places.code)
        except OSError as error:
            raise StartError(disk_words(error, Path(error.filename or home()))) from None
        self._owner = Owner(self.directory, self._lock.fileno())
        self._starting = Starting(self.services, self.places, self._owner, self._order)
        self._asked_for: set[str] = set()
        self._settings: dict[str, dict[str, str]] = {}
        self._own_broker = False
        self.broker: brokers.Broker | None = None

    def up(self, *names: str, timeout: float = READY_WITHIN) -> list[str]:
        """Start these services or groups and all that they depend on, in parallel, and wait until each is ready; no names:
        everything without a profile or of one that is on. What already runs stays as it is. Returns the names of what was
        started. Raises StartError."""
        wanted = [n for n in self.select(*names) if not self._starting.is_up(n)]
        if collecting.TRACING in wanted:
            self._collect_traces(wanted)
        if WIRE in wanted:
            self._lay_the_wire(wanted)
        if BROKER in wanted:
            self._choose_broker()
            wanted = [n for n in wanted if n != BROKER or self._own_broker]
        if POSTGRES in wanted and not find_postgres():
            self._bring("PostgreSQL", POSTGRES, fetch_postgres)
        if monitors := [n for n in wanted if n in MONITORS and not find_monitor(n)]:
            self._bring("Prometheus", monitors[0], fetch_monitors)
        self._asked_for.update(self.select(*names))
        self._starting.start(wanted, timeout)
        return wanted

    def select(self, *names: str) -> list[str]:
        """The services that these names mean, with all they depend on, in the order of the file. Raises ComposeError."""
        return compose.select(self.services, *names, profiles=self.profiles)

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

    def exit_code(self, name: str) -> int | None:
        """With which it ended last, negative for the signal that ended it; None while it runs."""
        return self._owner.news(name).code

    def time_lapse(self, name: str) -> float:
        """By how much the times in the files that a service reads are divided."""
        return self.services[name].time_lapse

    @property
    def guard_pid(self) -> int:
        """Of the guard, above all processes of this system."""
        return self._owner.pid

    def stop(self, *names: str) -> None:
        """SIGTERM, and after the file's grace period SIGKILL; returns when they are gone. They stay down."""
        self._asked_for.difference_update(self._members(names))
        self._starting.halt(*self._alive(names))

    def start(self, *names: str, timeout: float = READY_WITHIN) -> None:
        """Start again what was stopped, and wait until it is ready."""
        self._asked_for.update(self._members(names))
        self._starting.start([n for n in self._members(names) if self.state(n) in ("", "stopped")], timeout)

    def restart(self, *names: str, timeout: float = READY_WITHIN) -> None:
        """`stop`, then `start`, whether they run or not."""
        self._starting.halt(*self._alive(names))
        self.start(*names, timeout=timeout)

    def configure(self, service: str, **settings: Any) -> None:
        """Environment variables of a service, e.g. of order-service, from its next start on; those of docker-compose.yml count
        for what is not given. Names of the file, such as tracing:4318, are replaced by what they are here."""
        self._settings[service] = {name: str(value) for name, value in settings.items()}

    def configured(self, service: str) -> dict[str, str]:
        """What `configure` was told last."""
        return self._settings.get(service, {})

    def should_run(self, name: str) -> bool:
        """Whether it was started and not stopped since; it may have ended all the same."""
        return name in self._asked_for

    def knows(self, service: str) -> bool:
        """Whether there is a service of this name, e.g. order."""
        return any(s.group == f"{service}-service" for s in self.services.values())

    def add_consumer(self, name: str) -> None:
        """A new service with a worker of its own, in the shape that `x-consumer` in docker-compose.yml gives it."""
        self.services.update(compose.read_consumer(COMPOSE_FILE, name, self.variables))
        if PROMETHEUS in self._asked_for:
            self._aim()

    def add_program(self, name: str) -> None:
        """A new service that is one process with a `main`, in the shape of `x-program`. It needs nothing of `provision`."""
        self.services.update(compose.read_consumer(COMPOSE_FILE, name, self.variables, "x-program"))

    def add_api(self, name: str, tables: bool = False) -> None:
        """A new service that answers HTTP, in the shape of `x-api`, with or without `tables`; a worker may join it later."""
        made = compose.read_consumer(COMPOSE_FILE, name, self.variables, "x-api")
        if tables:
            task = f"{name}-migrate"
            made[task] = compose.read_consumer(COMPOSE_FILE, name, self.variables)[task]
        self.services.update(made)
        if PROMETHEUS in self._asked_for:
            self._aim()

    def provision(self) -> None:
        """Give every service that the system has by now its user, rights and exchange in the broker, and its database where
        PostgreSQL runs."""
        setups = [SETUP, POSTGRES_SETUP] if POSTGRES in self._asked_for else [SETUP]
        self._starting.start(setups, READY_WITHIN)

    def run(self, name: str, argv: list[str], environment: dict[str, str]) -> None:
        """Start a program that is not in the file, such as JupyterLab, under the same guard. It is not restarted."""
        order = {"do": "start", "name": name, "argv": argv, "cwd": str(PROJECT), "log": str(self.log(name))}
        rules = {"restart": "no", "grace": 10.0, "warm": None, "rank": 0, "disposable": False}
        rules["facts"] = {"address": "", "group": name}
        self._owner.start({**order, **rules, "env": {**os.environ, "LAB_HOME": str(home()), **environment}})

    def run_task(self, service: str, module: str, *arguments: str) -> None:
        """Run a module once with the code and the settings of a service, e.g. of order, as its migrations run; returns when it
        has ended. Raises StartError, with its last words, if it fails."""
        name = f"{service}-migrate"
        before = self.services[name]
        self.services[name] = dataclasses.replace(before, command=("python", "-m", module, *arguments))
        try:
            self._starting.start([name], READY_WITHIN)
        finally:
            self.services[name] = before

    def log(self, name: str) -> Path:
        """The file that a service's output goes to."""
        return self.places.log(name)

    def amqp_url(self, user: str = "learner") -> str:
        """How to reach the system's vhost; `learner` may do everything there."""
        password = self.variables[f"PASSWORD_{user.upper()}"]
        return f"amqp://{self.id}.{user}:{password}@{self.places.address(BROKER, 5672)}/{self.id}"

    def database_url(self, service: str) -> str:
        """The SQLAlchemy URL of a service's own database, e.g. that of order."""
        owner = next(s for s in self.services.values() if s.group in (service, f"{service}-service"))
        return self.places.translate(owner, owner.environment["DATABASE_URL"])

    def down(self) -> None:
        """End every process, remove the vhost; nothing is left but logs and data in `directory`."""
        if self._owner.alive:
            self._owner.close()
        self.places.release()
        self._lock.close()

    # --- how --------------------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, Service]:
        return compose.read(COMPOSE_FILE, self.variables)

    def _read_again(self) -> None:
        """The file, now that its variables say something else; what was changed of a service since stays changed."""
        before, self._as_read = self._as_read, self._read()
        for name, now in self._as_read.items():
            self.services[name] = compose.rebased(self.services[name], before[name], now)

    def _members(self, names: tuple[str, ...]) -> list[str]:
        return [n for n, s in self.services.items() if {n, s.group} & set(names) and not self._starting.is_task(n)]

    def _alive(self, names: tuple[str, ...]) -> list[str]:
        return [n for n in self._members(names) if self.state(n) not in ("", "stopped")]

    def _choose_broker(self) -> None:
        """The one nearby if there is one that serves us, else a node of our own; once for all."""
        if self.broker:
            return
        broker = None if self.private_broker else brokers.nearby(home())
        if broker:
            self.variables["PASSWORD_ADMIN"] = broker.password
        else:
            self._own_broker = True
            amqp, http, metrics = (self.places.address(BROKER, port) for port in (5672, 15672, 15692))
            broker = brokers.Broker(amqp, http, metrics, self.variables["PASSWORD_ADMIN"])
        self.broker = broker
        for port, there in ((5672, broker.amqp), (15672, broker.http), (15692, broker.metrics)):
            self.places.set_address(BROKER, port, there)
        self._read_again()  # the administrator's password is known only now

    def _collect_traces(self, wanted: list[str]) -> None:
        """What starts from now on sends its traces there. Raises StartError where something runs already that does not."""
        if collecting.ENDPOINT not in self.variables:
            collecting.refuse_late(self.services, filter(self._starting.is_up, self.services), wanted)
            self.variables.update(collecting.variables())
            self._read_again()

    def _lay_the_wire(self, wanted: list[str]) -> None:
        """What starts from now on asks others over it. Raises StartError where something runs already that does not."""
        lines = laying.variables()
        if not lines.keys() <= self.variables.keys():
            laying.refuse_late(self.services, filter(self._starting.is_up, self.services), wanted)
            self.variables.update(lines)
            self._read_again()

    def _bring(self, what: str, name: str, fetch: Callable[[Progress], Any]) -> None:
        """Fetch a program before its first use; what goes on meanwhile is in the log of the service that wants it."""
        try:
            with self.log(name).open("a", buffering=1) as log:
                fetch(lambda words: log.writelines([words, "\n"]))
        except FetchError as error:
            raise StartError(f"{what} is not here. {error}") from None

    def _aim(self) -> None:
        """Tell Prometheus what is to be scraped by now; it watches these files."""
        service = self.services[PROMETHEUS]
        found = targets.targets(self.services, self.id)
        folder = Path(self.places.translate(service, targets.FOLDER))
        targets.write(folder, {name: self.places.translate(service, text) for name, text in found.items()})

    def _order(self, name: str) -> dict[str, Any]:
        service = self.services[name]
        if name == BROKER:
            port = [int(self.places.address(BROKER, p).rpartition(":")[2]) for p in (5672, 15672, 15692, 25672, 4369)]
            command = node_command(self.places.volume("rabbitmq-data"), NodePorts(*port))
            service = dataclasses.replace(service, command=("python", *command[1:]))
            return self.places.order(service, cold=True)
        if name == SETUP:
            return self._setup_order(service)
        if name == PROMETHEUS:
            order = self.places.order(service)
            self._aim()
            return order
        extra = {}
        if name == POSTGRES_SETUP:  # those that a learner added too
            extra = {k: self.places.translate(service, url) for k, url in self.variables.databases().items()}
        own = self._settings.get(service.group, {})
        extra |= {k: self.places.translate(service, text) for k, text in own.items()}
        return self.places.order(service, extra, cold=self._cold)

    def _setup_order(self, service: Service) -> dict[str, Any]:
        groups = {s.group for s in self.services.values() if s.group.endswith("-service")}
        members = sorted(group.removesuffix("-service") for group in groups)
        passwords = {f"PASSWORD_{m.upper()}": self.variables[f"PASSWORD_{m.upper()}"] for m in members}
        order = self.places.order(service, {"SERVICES": ",".join(members), **passwords}, self._cold)
        if not self._own_broker:
            self._owner.order({**order, "do": "finally", "argv": [*order["argv"], "--remove"]})
        return order
