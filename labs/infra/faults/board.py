"""The switchboard of a system that runs: which faults are on, setting and clearing them, wherever they strike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from labs.infra import directories, docker
from labs.infra.faults import FaultError
from labs.infra.faults.laying import ADMIN_PORT
from labs.infra.faults.named import OUTSIDE, WIRE, Named, every, find

SWITCHES = {OUTSIDE: 8000, WIRE: ADMIN_PORT}
"""The port of each process that switches faults."""
VALUE = {OUTSIDE: "seconds", WIRE: "milliseconds"}
"""What each calls the value of a fault."""
START = {OUTSIDE: "outside", WIRE: "wire, together with the services that are to ask each other over it"}


@dataclass(frozen=True)
class Switch:
    """How a fault is set now. `value` is in its unit; it strikes every `every`-th request. `met` requests have come its way
    since it was set, struck or not; a delay does not count them."""

    fault: Named
    on: bool
    value: float
    every: int = 1
    met: int = 0

    def __str__(self) -> str:
        words = [f"{self.value:g} {self.fault.unit}"] if self.fault.unit else []
        words += [f"1 request in {self.every}"] if self.every > 1 else []
        return f"on{': ' if words else ''}{', '.join(words)}" if self.on else "off"


class Board:
    """`addresses`: host:port by where faults are switched, of what runs. Errors are FaultError."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = dict(addresses)
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business on the loopback

    def show(self) -> dict[str, Switch]:
        """All faults that can strike here, by name."""
        found: dict[str, Switch] = {}
        for where in self._addresses:
            for said in self._ask(where, "GET", "/faults").json()["items"]:
                if fault := every().get(said["name"]):
                    found[fault.name] = _switch(fault, said)
        return found

    def look(self, name: str) -> Switch:
        """One of them."""
        fault = find(name)
        items = self._ask(fault.where, "GET", "/faults").json()["items"]
        return next(_switch(fault, said) for said in items if said["name"] == name)

    def set(self, name: str, value: float | None = None, nth: int | None = None) -> Switch:
        """Break it, or make it slow; without a value by its default, without `nth` as often as it usually strikes."""
        fault = find(name)
        wanted: dict[str, Any] = {"on": True}
        if fault.unit:
            wanted[VALUE[fault.where]] = fault.value(value)
        elif value is not None:
            fault.value(value)  # raises
        if nth is not None:
            if fault.where != OUTSIDE:
                raise FaultError(f"{name} delays all that passes, not 1 request in {nth}.")
            wanted["every"] = nth
        return _switch(fault, self._ask(fault.where, "PUT", f"/faults/{name}", wanted).json())

    def clear(self, name: str = "") -> list[str]:
        """As it should be; without a name all of them. Returns the names of those that were on."""
        if name:
            before = self.look(name)
            self._ask(before.fault.where, "PUT", f"/faults/{name}", {"on": False})
            return [name] if before.on else []
        were_on = [name for name, switch in self.show().items() if switch.on]
        for where in self._addresses:
            self._ask(where, "DELETE", "/faults")
        return were_on

    def _ask(self, where: str, method: str, path: str, body: Any = None) -> requests.Response:
        if where not in self._addresses:
            raise FaultError(f"{where} does not run here, so nothing can go wrong there. Start {START[where]}.")
        url = f"http://{self._addresses[where]}{path}"
        try:
            answer = self._session.request(method, url, json=body, timeout=5)
        except requests.RequestException as error:
            raise FaultError(f"{where} at {self._addresses[where]} does not answer: {type(error).__name__}.") from None
        if not answer.ok:
            said = (
                answer.json().get("detail", answer.reason) if "json" in answer.headers.get("Content-Type", "") else ""
            )
            raise FaultError(f"{where} refuses: {said or answer.reason}")
        return answer


def _switch(fault: Named, said: Mapping[str, Any]) -> Switch:
    value, counts = float(said[VALUE[fault.where]]), (int(said.get("every", 1)), int(said.get("requests", 0)))
    return Switch(fault, bool(said["on"]), value, *counts)


def newest(system: str = "") -> Board | None:
    """That of the newest system that runs something with switches, as processes or else in containers; `system` is the start
    of its name in `lab ps`. None if there is none."""
    living = sorted(directories.running(), key=lambda directory: directory.stat().st_mtime, reverse=True)
    for directory in (d for d in living if d.name.startswith(system)):
        services = directories.state(directory)["services"]
        running = {where: services[where] for where in SWITCHES if services.get(where, {}).get("pid")}
        if running:
            return Board({where: facts["addresses"][str(SWITCHES[where])] for where, facts in running.items()})
    containers = None if system else docker.running()
    if containers is None:
        return None
    published = {where: containers.address(where, port) for where, port in SWITCHES.items()}
    there = {where: address for where, address in published.items() if address}
    return Board(there) if there else None
