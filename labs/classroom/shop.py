"""A customer and a shopkeeper for notebooks: they use the shop's HTTP, as anybody could."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import requests

from labs.classroom.slips import NoAnswer, NobodyListens
from labs.infra.system import System

TIMEOUT = 10.0
EMAIL = "customer@example.org"


@dataclass
class Settled:
    """When an order was last seen, and as what; seconds since the start of the wait."""

    status: str
    reason: str
    after: float


class Shop:
    """The shop of one system. Errors are those of requests."""

    def __init__(self, system: System) -> None:
        self._system = system

    def url(self, service: str, path: str = "") -> str:
        """The address of a service's HTTP, e.g. url("order-service", "/orders")."""
        return f"http://{self._system.address(service)}{path}"

    def get(self, service: str, path: str, **kwargs: Any) -> requests.Response:
        """GET, whatever the answer."""
        return self._send("GET", service, path, **kwargs)

    def post(self, service: str, path: str, body: Any, **kwargs: Any) -> requests.Response:
        """POST of a JSON body, whatever the answer."""
        return self._send("POST", service, path, json=body, **kwargs)

    def _send(self, method: str, service: str, path: str, **kwargs: Any) -> requests.Response:
        """Over a connection of its own: a service that stops waits for those that are kept open."""
        with requests.Session() as http:
            http.trust_env = False  # a proxy has no business on the loopback
            try:
                return http.request(method, self.url(service, path), timeout=TIMEOUT, **kwargs)
            except requests.Timeout:
                raise NoAnswer(f"{service} did not answer within {TIMEOUT:g} s.") from None
            except requests.ConnectionError:
                how = "start" if self._system.broker else "up"
                raise NobodyListens(f'{service} does not run. Start it with `lab.{how}("{service}")`.') from None

    def stock(self, sku: str, quantity: int) -> int:
        """Put pieces on the shelf; returns how many can be promised now."""
        answer = self.post("inventory-service", "/stock", {"sku": sku, "quantity": quantity})
        answer.raise_for_status()
        return int(answer.json()["available"])

    def available(self, sku: str) -> int:
        """How many pieces can be promised."""
        answer = self.get("inventory-service", f"/stock/{sku}")
        answer.raise_for_status()
        return int(answer.json()["available"])

    def order(self, *lines: tuple[str, int], email: str = EMAIL) -> requests.Response:
        """Place an order, e.g. order(("tea", 2), ("cup", 1)); 202 if it was accepted."""
        body = {"customer_email": email, "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]}
        return self.post("order-service", "/orders", body)

    def place(self, *lines: tuple[str, int], email: str = EMAIL) -> str:
        """Place an order that must be accepted; returns its id."""
        answer = self.order(*lines, email=email)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def status(self, order_id: str) -> str:
        """placed, confirmed or rejected."""
        return str(self.get("order-service", f"/orders/{order_id}").json()["status"])

    def reason(self, order_id: str) -> str:
        """Why an order was rejected; empty if it says none."""
        return str(self.get("order-service", f"/orders/{order_id}").json()["reason"])

    def wait(self, orders: Iterable[str], within: float = 15.0) -> dict[str, Settled]:
        """Look until none of these orders is only `placed` any more, or the time is up; what became of each by id."""
        wanted, started, seen = list(orders), time.monotonic(), dict[str, Settled]()
        while True:
            after = time.monotonic() - started
            listed = {order["id"]: order for order in self.get("order-service", "/orders").json()}
            for order_id in wanted:
                before = seen.get(order_id)
                if before is None or before.status == "placed":
                    seen[order_id] = Settled(listed[order_id]["status"], listed[order_id]["reason"], after)
            if after > within or all(order.status != "placed" for order in seen.values()):
                return seen
            time.sleep(0.05)

    def mails(self, **wanted: str) -> list[dict[str, str]]:
        """The mails in the customers' inbox; `to=` or `order_id=` narrows it."""
        return list(self.get("inbox", "/mails", params=wanted).json())

    def wait_for_mails(self, number: int, within: float = 10.0, **wanted: str) -> list[dict[str, str]]:
        """The mails once there are so many, or what is there when the time is up."""
        deadline = time.monotonic() + within
        while len(mails := self.mails(**wanted)) < number and time.monotonic() < deadline:
            time.sleep(0.05)
        return mails
