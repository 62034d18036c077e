"""Customers and a clerk for notebooks: they use the shop's HTTP, as anybody could."""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

import requests

from labs.classroom.people import ADMINISTRATOR, People, succeeded
from labs.classroom.slips import NoAnswer, NobodyListens

TIMEOUT = 10.0
EMAIL = "customer@example.org"
UNDER_WAY = frozenset({"placed", "confirmed", "paid", "undoing"})
"""What an order is before it ends: fulfilled, rejected or cancelled."""
PRICE = 350
"""Cents for one piece of a product of which only the number matters."""


class Where(Protocol):
    """A shop that runs: as processes, in containers."""

    @property
    def variables(self) -> Mapping[str, str]:
        """Its generated passwords, by their names in docker-compose.yml."""

    def address(self, name: str) -> str:
        """host:port of a service."""


@dataclass
class Settled:
    """When an order was last seen, and as what; seconds since the start of the wait."""

    status: str
    reason: str
    after: float


class Shop:
    """The shop that runs at `where`. `through` is the one process that answers for all services: gateway, monolith; empty:
    each service answers for itself. Errors are those of requests."""

    def __init__(self, where: Where, through: str = "") -> None:
        self.where, self._through = where, through
        self._known: set[str] = set()
        self.people = People(self._to_users, where.variables["PASSWORD_ADMINISTRATOR"])

    def url(self, service: str, path: str = "") -> str:
        """The address of a service's HTTP, e.g. url("order-service", "/orders")."""
        front = self._through if self._through and service != "outside" else service
        return f"http://{self.where.address(front)}{path}"

    def secret(self, name: str) -> str:
        """One of the generated secrets, by its name in docker-compose.yml."""
        return self.where.variables[name]

    def get(self, service: str, path: str, who: str = "", **kwargs: Any) -> requests.Response:
        """GET, whatever the answer; `who` is the address of whoever asks, empty for nobody in particular."""
        return self.send("GET", service, path, who, **kwargs)

    def post(self, service: str, path: str, body: Any, who: str = "", **kwargs: Any) -> requests.Response:
        """POST of a JSON body, whatever the answer."""
        return self.send("POST", service, path, who, json=body, **kwargs)

    def send(self, method: str, service: str, path: str, who: str = "", **kwargs: Any) -> requests.Response:
        """Over a connection of its own: a service that stops waits for those that are kept open."""
        headers = (self.people.headers(who) if who else {}) | kwargs.pop("headers", {})
        with requests.Session() as http:
            http.trust_env = False  # a proxy has no business on the loopback
            try:
                return http.request(method, self.url(service, path), timeout=TIMEOUT, headers=headers, **kwargs)
            except requests.Timeout:
                raise NoAnswer(f"{service} did not answer within {TIMEOUT:g} s.") from None
            except requests.ConnectionError:
                raise NobodyListens(f'{service} does not run. Start it with `lab.up("{service}")`.') from None

    # --- the clerk ----------------------------------------------------------------------------------------------------

    def offer(self, sku: str, price: int = PRICE, **product: Any) -> dict[str, Any]:
        """Put a product into the catalogue, or change it; `price` in cents. `product` may have name, description, low_at."""
        body = {"name": sku, "price": {"amount": price, "currency": "EUR"}, **product}
        answer = self.send("PUT", "inventory-service", f"/products/{sku}", ADMINISTRATOR, json=body)
        succeeded(answer)
        self._known.add(sku)
        return dict(answer.json())

    def stock(self, sku: str, quantity: int) -> int:
        """Put pieces on the shelf, of a new product too; returns how many can be promised now."""
        if sku not in self._known and self.get("inventory-service", f"/products/{sku}").status_code == 404:
            self.offer(sku)
        answer = self.post("inventory-service", "/stock", {"sku": sku, "quantity": quantity}, ADMINISTRATOR)
        succeeded(answer)
        return int(answer.json()["available"])

    def available(self, sku: str) -> int:
        """How many pieces can be promised."""
        answer = self.get("inventory-service", f"/stock/{sku}")
        succeeded(answer)
        return int(answer.json()["available"])

    # --- customers ----------------------------------------------------------------------------------------------------

    def order(self, *lines: tuple[str, int], email: str = EMAIL, key: str = "", **more: Any) -> requests.Response:
        """Place an order, e.g. order(("tea", 2), ("cup", 1)); 202 if it was accepted. The same `key` means the same order;
        without one it is a new order. `more` may have the card."""
        body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines], **more}
        return self.post("order-service", "/orders", body, email, headers={"Idempotency-Key": key or uuid4().hex})

    def place(self, *lines: tuple[str, int], email: str = EMAIL, **more: Any) -> str:
        """Place an order that must be accepted; returns its id."""
        answer = self.order(*lines, email=email, **more)
        succeeded(answer)
        return str(answer.json()["id"])

    def cancel(self, order_id: str, email: str = EMAIL) -> requests.Response:
        """The customer has thought again."""
        return self.post("order-service", f"/orders/{order_id}/cancel", {}, email)

    def look(self, order_id: str) -> dict[str, Any]:
        """An order as the clerk sees it."""
        answer = self.get("order-service", f"/orders/{order_id}", ADMINISTRATOR)
        succeeded(answer)
        return dict(answer.json())

    def orders(self, **wanted: str | int) -> list[dict[str, Any]]:
        """The newest orders as the clerk sees them, a page; `wanted` may have status, limit, after."""
        answer = self.get("order-service", "/orders", ADMINISTRATOR, params=wanted)
        succeeded(answer)
        return list(answer.json()["items"])

    def status(self, order_id: str) -> str:
        """placed, confirmed, paid, fulfilled; undoing, rejected, cancelled."""
        return str(self.look(order_id)["status"])

    def reason(self, order_id: str) -> str:
        """Why an order was rejected; empty if it says none."""
        return str(self.look(order_id)["reason"])

    def wait(
        self, orders: Iterable[str], within: float = 20.0, still: Collection[str] = UNDER_WAY
    ) -> dict[str, Settled]:
        """Look until none of these orders is in one of the states `still` any more, or the time (seconds) is up; what became
        of each by id."""
        started = time.monotonic()
        seen = {order_id: Settled("placed", "", 0.0) for order_id in orders}
        while True:
            waiting = {order_id for order_id, order in seen.items() if order.status in still}
            for order in self._newest(waiting):
                after = time.monotonic() - started
                seen[order["id"]] = Settled(order["status"], order["reason"], after)
                if order["status"] not in still:
                    waiting.discard(order["id"])
            if not waiting or time.monotonic() - started > within:
                return seen
            time.sleep(0.05)

    def mails(self, **wanted: str) -> list[dict[str, str]]:
        """The mails in the customers' inbox; `to=` or `order_id=` narrows it."""
        return list(self.get("outside", "/mails", params=wanted).json())

    def wait_for_mails(self, number: int, within: float = 10.0, **wanted: str) -> list[dict[str, str]]:
        """The mails once there are so many, or what is there when the time is up."""
        deadline = time.monotonic() + within
        while len(mails := self.mails(**wanted)) < number and time.monotonic() < deadline:
            time.sleep(0.05)
        return mails

    def _newest(self, wanted: Collection[str]) -> list[dict[str, Any]]:
        """These orders, from as many pages as it takes to find them."""
        found: dict[str, dict[str, Any]] = {}
        page: dict[str, str | int] = {"limit": 100}
        while len(found) < len(wanted):
            answer = self.get("order-service", "/orders", ADMINISTRATOR, params=page)
            succeeded(answer)
            found |= {order["id"]: order for order in answer.json()["items"] if order["id"] in wanted}
            if not answer.json()["next"]:
                break
            page["after"] = answer.json()["next"]
        return list(found.values())

    def _to_users(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return self.send(method, "user-service", path, **kwargs)
