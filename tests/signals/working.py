"""A shop in which everything happens once, and what was seen of it: traces, metrics, logs."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from labs.classroom.people import ADMINISTRATOR
from labs.classroom.shop import Shop
from labs.classroom.watching import until
from labs.infra import collecting
from labs.infra.contracts import told
from labs.infra.system import System

PATIENT = "30"
"""Seconds for the collector: here no span may be lost because the machine is busy."""
RESERVED_FOR = "6"
"""Seconds after which inventory asks what became of an order: as long as one waits here whose charge cannot be made."""
LOYALTY = '''
from labs.services.chassis.handler import ServiceDatabase, handle_event


class Loyalty:
    name = "loyalty-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_fulfilled")
    def reward(self, event, tx):
        """A point for each order."""
'''


class Working:
    """The whole shop with a collector, and a service that was not there before."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.shop = Shop(system, through="gateway")

    def begin(self) -> None:
        """Up, with the newcomer."""
        for name, service in self.system.services.items():
            patient = {**service.environment, "OTLP_TIMEOUT": PATIENT, "RESERVATION_SECONDS": RESERVED_FOR}
            self.system.services[name] = replace(service, environment=patient)
        self.system.up(timeout=120)
        package = self.system.places.code / "labs/services/loyalty"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "worker.py").write_text(LOYALTY)
        self.system.add_consumer("loyalty")
        self.system.configure("loyalty-service", OTLP_TIMEOUT=PATIENT)
        self.system.provision()
        self.system.up("loyalty-service", timeout=60)

    def work(self) -> None:
        """Everything that the table speaks of."""
        shop, customer = self.shop, "customer@example.org"
        shop.people.register(customer, phone="+49301234567", device_token="a-device")
        shop.offer("tea", 350, low_at=5)
        shop.stock("tea", 30)
        fulfilled = shop.place(("tea", 2), email=customer)
        assert shop.wait([fulfilled], within=60)[fulfilled].status == "fulfilled"
        profile = f"/users/{shop.look(fulfilled)['customer_id']}"
        self._send("PATCH", "user-service", profile, customer, {"channels": ["email", "sms", "push"]})
        self._stranger()
        rejected = shop.place(("tea", 900_000), email=customer)
        assert shop.wait([rejected], within=60)[rejected].status == "rejected"
        self._unshipped()
        self._unpaid()
        self._unmailed()
        low = shop.place(("tea", 24), email=customer)
        assert shop.wait([low], within=60)[low].status == "fulfilled"
        self._batches()
        assert shop.get("notification-service", "/notifications", customer).ok

    def _stranger(self) -> None:
        """A product that order-service knows no price of, so that it asks; there is none."""
        assert self.shop.order(("unknown", 1)).status_code == 422

    def _unshipped(self) -> None:
        """Paid, and then not there: the money goes back."""
        with self._fault("carrier_ships_nothing"):
            order = self.shop.place(("tea", 1))
            assert self.shop.wait([order], within=60)[order].status == "rejected"

    def _unpaid(self) -> None:
        """The payment provider has no time: one order is cancelled meanwhile, for the other one inventory loses patience."""
        with self._fault("payments_busy"):
            cancelled, overdue = self.shop.place(("tea", 1)), self.shop.place(("tea", 1))
            assert until(lambda: self.shop.status(cancelled) == "confirmed", 30)
            assert self.shop.cancel(cancelled).status_code == 202
            assert until(lambda: self.shop.status(overdue) == "undoing", 60)
        ended = self.shop.wait([cancelled, overdue], within=60)
        assert [ended[order].status for order in (cancelled, overdue)] == ["cancelled", "rejected"]

    def _unmailed(self) -> None:
        with self._fault("smtp_refuses"):
            order = self.shop.place(("tea", 1))
            assert self.shop.wait([order], within=60)[order].status == "fulfilled"
            assert until(lambda: self._notified(order, "failed"), 30)

    def _batches(self) -> None:
        prices = {"prices": [{"sku": "tea", "amount": 400, "currency": "EUR"}]}
        self._send("POST", "inventory-service", "/price-imports", ADMINISTRATOR, prices)
        self._send("POST", "inventory-service", "/stock-reports", ADMINISTRATOR, {})
        self._send("POST", "order-service", "/settlements", ADMINISTRATOR, {"day": "2026-01-01"})

    def _notified(self, order_id: str, status: str) -> bool:
        answer = self.shop.get("notification-service", "/notifications", ADMINISTRATOR, params={"order_id": order_id})
        return status in {each["status"] for each in answer.json()["items"]}

    def _send(self, method: str, service: str, path: str, who: str, body: Any) -> None:
        answer = self.shop.send(method, service, path, who, json=body)
        assert answer.ok, answer.text

    def _fault(self, name: str) -> "_Fault":
        return _Fault(f"http://{self.system.address('outside')}/faults/{name}")

    def rest(self) -> None:
        """Until all is told and heard, and the spans of it have arrived."""
        tasks = ("price_import_chunk", "stock_report_asked", "settlement_asked", "profile_changed", "order_fulfilled")
        unheard = [task for task in tasks if not until(lambda task=task: self._heard(f"process {task}"), 90)]
        assert not unheard, (unheard, {name: said[-9:] for name, said in self.lines.items()})
        assert until(lambda: not self._waiting(), 180), self._waiting()

    def _heard(self, name: str) -> bool:
        return any(self._asked("traces", service=service, operation=name) for service in self._asked("services"))

    def _waiting(self) -> list[str]:
        """Spans of producers that nobody's span refers to yet, though somebody listens."""
        self.__dict__.pop("spans", None)
        heard = {f"send {handler.type}" for handler in told.handlers()}
        referred = {r["spanID"] for span in self.spans.values() for r in span["references"]}
        sent = [span for span in self.spans.values() if span["kind"] == "producer" and span["operationName"] in heard]
        return [span["operationName"] for span in sent if span["spanID"] not in referred]

    # --- what was seen ------------------------------------------------------------------------------------------------

    @cached_property
    def spans(self) -> dict[str, dict[str, Any]]:
        """Every span by its id, with its service and kind; all had the time to arrive when the last one has."""
        found: dict[str, dict[str, Any]] = {}
        for service in self._asked("services"):
            for trace in self._asked("traces", service=service, limit=1500):
                for span in trace["spans"]:
                    kind = next((tag["value"] for tag in span["tags"] if tag["key"] == "span.kind"), "internal")
                    service_name = trace["processes"][span["processID"]]["serviceName"]
                    found[span["spanID"]] = {**span, "service": service_name, "kind": kind}
        return found

    @cached_property
    def samples(self) -> dict[str, list[Sample]]:
        """By service, of all its processes."""
        found = defaultdict(list)
        for name, service in self.system.services.items():
            if "BIND" in service.environment and self.system.pid(name):
                text = requests.get(f"http://{self.system.places.address(name, 8000)}/metrics", timeout=10).text
                families = text_string_to_metric_families(text)
                found[service.group] += [sample for family in families for sample in family.samples]
        return found

    @cached_property
    def lines(self) -> dict[str, list[str]]:
        """The messages of every service's log."""
        found = defaultdict(list)
        for name, service in self.system.services.items():
            log = self.system.log(name)
            if log.exists():
                said = [line for line in log.read_text().splitlines() if '"message"' in line]
                found[service.group] += [json.loads(line)["message"] for line in said]
        return found

    def parents(self, span: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Those that it refers to."""
        for reference in span["references"]:
            if above := self.spans.get(reference["spanID"]):
                yield above

    def _asked(self, path: str, **parameters: Any) -> Any:
        url = f"http://{self.system.address(collecting.TRACING, collecting.QUERY)}/api/{path}"
        return requests.get(url, params=parameters, timeout=30).json()["data"]


class _Fault:
    """On as long as this lasts."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        requests.put(self._url, json={"on": True}, timeout=10).raise_for_status()

    def __exit__(self, *_: object) -> None:
        requests.put(self._url, json={"on": False}, timeout=10).raise_for_status()
