"""The order path of lab 13 as a chain of services: which of its steps share a process is a cut, and any cut can be run.

Each service runs the same code, labs/services/checkout; its settings say which steps are its own, and who comes next."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import uuid4

import psutil
import requests

from labs.classroom import load
from labs.classroom.load import Report, Request
from labs.classroom.merging import Cut
from labs.classroom.people import succeeded
from labs.classroom.shop import EMAIL, Shop
from labs.infra.memory import group_memory
from labs.infra.system import READY_WITHIN, System

ENTRY, TEMPLATE, ROUTE, PORT = "checkout", "template", "/checkout", 8000
"""The service that the customer comes to, whatever its steps are. The others are called as their first step."""
WARM_UP = 3
"""Orders before any is measured: connections are opened, prices and keys are known."""
CLIENTS = 4
"""Customers at a time, where many orders come."""
PATIENCE = 120.0
"""Seconds after which no more of them come."""


@dataclass(frozen=True)
class Weight:
    """What a cut takes. `start`: seconds of CPU time of all its services until the last was ready; `memory`: megabytes; `wait`:
    seconds until one order is answered, the quickest; `cpu`: seconds of CPU time of all its services for one order."""

    services: int
    start: float
    memory: float
    wait: float
    cpu: float


def names(cut: Cut) -> list[str]:
    """What the services of a cut are called, in the order of the path."""
    return [ENTRY, *(steps[0] for steps in cut[1:])]


def process(name: str) -> str:
    """The process of a service of the path."""
    return f"{name}-api"


def settings(cut: Cut) -> dict[str, dict[str, str]]:
    """The settings of each service, by its name."""
    called = names(cut)
    following = [*(f"http://{process(name)}:{PORT}" for name in called[1:]), ""]
    return {
        name: {"STEPS": ",".join(steps), "NEXT_URL": url}
        for name, steps, url in zip(called, cut, following, strict=True)
    }


def basket() -> dict[str, object]:
    """An order as the customer sends it; `done` are the steps that are behind it, `way` the services that it came through."""
    lines = [{"sku": "tea", "quantity": 1}, {"sku": "tea", "quantity": 2}]
    return {"basket": lines, "country": "DE", "card": "card-ok", "done": [], "way": []}


class OrderPath:
    """The path of one system; `cut` is how it runs now, empty if it does not."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._known: list[str] = []
        self._start = 0.0
        self.cut: tuple[tuple[str, ...], ...] = ()
        self.weighed: dict[tuple[tuple[str, ...], ...], Weight] = {}
        """What was measured last, by cut."""

    @property
    def names(self) -> list[str]:
        """The services that run now, in the order of the path."""
        return names(self.cut) if self.cut else []

    @property
    def processes(self) -> list[str]:
        """The same by the names that the system knows its processes by."""
        return [process(name) for name in self.names]

    def arrange(self, cut: Cut) -> None:
        """Run the path as these services, and end those that it ran as before; nothing if it runs so already. Raises
        StartError."""
        wanted = tuple(map(tuple, cut))
        if wanted == self.cut and all(self._system.state(name) == "running" for name in self.processes):
            return
        self._system.stop(*map(process, self._known))
        self.cut = ()
        for name, own in settings(wanted).items():
            self._know(name)
            self._system.configure(f"{name}-service", **own)
        self._system.start(*map(process, names(wanted)), timeout=READY_WITHIN)
        self.cut = wanted
        self._start = self._cpu()

    def send(self, shop: Shop) -> requests.Response:
        """One order of a customer, whatever the answer. Raises what `Shop.send` raises."""
        return shop.post(ENTRY, ROUTE, basket(), EMAIL, headers={"Idempotency-Key": uuid4().hex})

    def send_many(self, shop: Shop, number: int) -> Report:
        """So many orders, CLIENTS of them at a time; each is sent once, whatever becomes of it."""
        return load.closed_loop(islice(self._orders(shop), number), CLIENTS, PATIENCE)

    def weigh(self, shop: Shop, number: int) -> Weight:
        """What the path takes as it runs now, by so many orders one after the other. Raises requests.HTTPError if one fails."""
        for _ in range(WARM_UP):
            succeeded(self.send(shop))
        before, waits = self._cpu(), list[float]()
        for _ in range(number):
            begun = time.monotonic()
            succeeded(self.send(shop))
            waits.append(time.monotonic() - begun)
        cpu = (self._cpu() - before) / number
        memory = sum(group_memory(self._system.pid(name)) for name in self.processes) / 2**20
        weight = Weight(len(self.cut), self._start, memory, min(waits), cpu)
        self.weighed[self.cut] = weight
        return weight

    def fail(self, shop: Shop, share: float, seed: int, only: Sequence[str] = ()) -> None:
        """From now on each service, or those named, fails this share of what comes to it, by dice of its own: with the same
        seed they fall the same way again. Raises requests.HTTPError."""
        for name in only or self.names:
            succeeded(shop.send("PUT", name, "/fault", json={"share": share, "seed": seed}))

    def _orders(self, shop: Shop) -> Iterator[Request]:
        who, url = shop.people.headers(EMAIL), shop.url(ENTRY, ROUTE)
        while True:
            yield Request("POST", url, basket(), who | {"Idempotency-Key": uuid4().hex})

    def _know(self, name: str) -> None:
        """Make a service part of the system; it runs the code of ENTRY."""
        if name in self._known:
            return
        self._system.add_api(name)
        here = self._system.services
        made = here[process(name)]
        command = tuple(word.replace(f".{name}.api:", f".{ENTRY}.{TEMPLATE}:") for word in made.command)
        here[process(name)] = dataclasses.replace(made, command=command)
        self._known.append(name)

    def _cpu(self) -> float:
        """Seconds of CPU time that the processes of all services have used. One look at the machine's processes for all: to
        look for the children of each would cost as much as some orders."""
        masters = {self._system.pid(name) for name in self.processes} - {0}
        used = 0.0
        for process in psutil.process_iter(["ppid", "cpu_times"]):
            if {process.pid, process.info["ppid"]} & masters and process.info["cpu_times"]:
                used += sum(process.info["cpu_times"][:2])
        return used
