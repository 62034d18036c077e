"""The part of a lab in which services take over from the monolith: routes that move, reads that are mirrored, data that is
carried, and a guard that says whether to go on."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from labs.classroom import behaviour, cards, carrying, watching
from labs.classroom.shop import Shop
from labs.classroom.slips import Slip
from labs.classroom.visited import MONOLITH
from labs.infra.gateway.routes import ADMIN_PORT, GATEWAY, Routes
from labs.infra.logging import files
from labs.infra.system import System

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types

SERVICE_OF = {
    "users": "user-service",
    "catalogue": "inventory-service",
    "stock": "inventory-service",
    "orders": "order-service",
    "notifications": "notification-service",
}
"""Who takes over each capability that the gateway knows."""
LENT = "inventory-service"
"""It works on the monolith's own tables, so nothing has to be carried to it."""
STRANGLER = "strangler-service"
PATIENCE = 15.0
"""Seconds that a share of the requests is watched at most."""
HEADERS = ("Content-Type", "X-Correlation-ID", "Date", "Cache-Control")
"""Those of an answer that the comparer sees."""


class Strangling:
    """What Lab has of it; it needs a gateway, a monolith, and for what strangler-service decides that too."""

    system: System

    @property
    def front(self) -> Shop:
        """The shop as customers see it: through the gateway."""
        if not hasattr(self, "_front"):
            self._front = Shop(self.system, through=GATEWAY)
        return self._front

    @property
    def gateway(self) -> Routes:
        """The gateway's routes, to look at and to move."""
        return Routes(self.system.address(GATEWAY, ADMIN_PORT))

    def routes(self) -> dict[str, int]:
        """Per cent of the requests for each capability that go to the services."""
        return self.gateway.show()

    def move(self, capability: str, to: str, percent: int = 100) -> None:
        """From now on so many per cent of the requests for a capability go "monolith" or "services"."""
        self.gateway.move(capability, to, percent)
        cards.card("note", f"{capability}: {percent} % to the {to}")

    def behaves(self) -> dict[str, str]:
        """What is wrong with the shop as customers see it, by question; empty if it behaves as ever. Says it, too."""
        wrong = behaviour.ask(self.front)
        for question, said in wrong.items():
            cards.card("note", f"the shop is asked ({question}), and {said}")
        return wrong

    def carry(self, *capabilities: str) -> int:
        """Copy what these own from the monolith's database to that of the service; returns how many rows were not there yet."""
        source = self._database(MONOLITH)
        parts = [carrying.CARRIED[capability] for capability in capabilities]
        return sum(carrying.carry(source, self._database(part.service), part) for part in parts)

    def mirrored(self, paths: Iterable[str], service: str) -> "DataFrame":
        """Send each GET through the gateway, and the same to a service. What the gateway answers is the customer's answer; the
        other one is only compared, by strangler-service. Returns what differs, a row for each difference."""
        from pandas import DataFrame

        rows = []
        with self.strangler() as strangler:
            for path in paths:
                old, new = (_answer(url) for url in (self.front.url(service, path), self._directly(service, path)))
                rows += [{"path": path, **found} for found in strangler.compare(path, old, new)]
        return DataFrame(rows, columns=["path", "where", "old", "new"])

    def shift(self, capability: str, shares: Iterable[int] = (25, 100)) -> str:
        """Move a capability share by share, as long as the guard of strangler-service says so of what the gateway's log says;
        returns "moved", or "moved back"."""
        for share in shares:
            since = files.mark(self.system.log(GATEWAY))
            self.move(capability, "services", share)
            said = self._watched(capability, since)
            if said != "go on":
                self.move(capability, MONOLITH)
                cards.card("note", f"the guard says: {said}")
                return "moved back"
        return "moved"

    def decide(self, old: dict[str, int], new: dict[str, int]) -> str:
        """What the guard says to these counts, each {asked, failed}."""
        with self.strangler() as strangler:
            return str(strangler.decide(old, new))

    def plan(self) -> list[list[str]]:
        """The order of moves that strangler-service has; a name alone is a step of one."""
        with self.strangler() as strangler:
            return [[step] if isinstance(step, str) else list(step) for step in strangler.plan()]

    def step(self, *capabilities: str) -> None:
        """Move some capabilities at once, with all that they own. What the monolith was asked for until then is carried after
        them."""
        self.move_together(capabilities)
        cards.card("note", f"to the services: {', '.join(capabilities)}")

    def move_together(self, capabilities: Iterable[str]) -> None:
        """The same without a word."""
        owned = [each for each in capabilities if SERVICE_OF[each] != LENT]
        self.carry(*owned)
        for capability in capabilities:
            self.gateway.move(capability, "services")
        if owned:
            watching.until(lambda: not carrying.under_way(self._database(MONOLITH)), PATIENCE)
            self.carry(*owned)

    def lend(self, service: str) -> None:
        """Have a service work on the monolith's database; both have the same tables."""
        settings = {**self.system.configured(service), "DATABASE_URL": self.system.database_url(MONOLITH)}
        self.system.configure(service, **settings)
        self.system.restart(service)
        cards.card("note", f"{service} works on the monolith's database")

    def _watched(self, capability: str, since: files.Mark) -> str:
        """Ask the guard until it has made up its mind."""
        with self.strangler() as strangler:
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                counts = counted(files.text(self.system.log(GATEWAY), since).splitlines(), capability)
                if (said := str(strangler.decide(counts[MONOLITH], counts["services"]))) != "wait":
                    return said
                time.sleep(0.1)
        return "wait"

    def _directly(self, service: str, path: str) -> str:
        return f"http://{self.system.address(service)}{path}"

    def strangler(self) -> "_Calls":
        """strangler-service over RPC, in a `with`."""
        return _Calls(self.system)

    def _database(self, service: str) -> Path:
        return self.system.places.volume(f"{service}-data") / f"{service}.db"


class _Calls:
    """strangler-service over RPC; what it raises is said in a sentence."""

    def __init__(self, system: System) -> None:
        from nameko.standalone.rpc import ClusterRpcProxy  # half a second that only a lab with a strangler should pay

        self._proxy = ClusterRpcProxy({"AMQP_URI": system.amqp_url()}, timeout=10)

    def __enter__(self) -> "_Calls":
        self._service = self._proxy.start()[STRANGLER]
        return self

    def __exit__(self, *_: object) -> None:
        self._proxy.stop()

    def __getattr__(self, method: str) -> Any:
        from nameko.exceptions import RemoteError, UnserializableValueError

        def call(*arguments: Any) -> Any:
            try:
                return getattr(self._service, method)(*arguments)
            except RemoteError as error:
                raise Raised(f"strangler-service raised {error.exc_type}: {error.value}") from None
            except UnserializableValueError as error:
                raise Raised(f"strangler-service returned what is no JSON: {error}") from None

        return call


class Raised(Slip):
    """The code that a learner wrote raised."""


def counted(log: Iterable[str], capability: str) -> dict[str, dict[str, int]]:
    """From lines of the gateway's access log: how many requests of a capability each side was asked, and how many of these
    failed, that is, had no answer below 400."""
    counts = {side: {"asked": 0, "failed": 0} for side in (MONOLITH, "services")}
    for line in log:
        if not line.endswith("}"):  # it is being written
            continue
        entry = json.loads(line)
        labels = entry.get("labels", {})
        if labels.get("capability") != capability:
            continue
        side = counts[MONOLITH if labels.get("answered_by") == MONOLITH else "services"]
        side["asked"] += 1
        side["failed"] += int(entry["http"]["response"]["status_code"]) >= requests.codes.bad_request
    return counts


def _answer(url: str) -> dict[str, Any]:
    """Of a GET, as the comparer sees it."""
    with requests.Session() as http:
        http.trust_env = False
        answer = http.get(url, timeout=10)
    headers = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
    return {"status": answer.status_code, "headers": headers, "body": answer.json()}
