"""Customers who do not give up, and a clerk who goes on working: the load under which the shop is broken on purpose.

A customer repeats a request with the same key until it is answered. Every choice comes from the seed and the number of the
order, so the same storm can be had again; only its moments differ."""

import itertools
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import requests
from sqlalchemy import create_engine, text
from urllib3.exceptions import NewConnectionError

from labs.classroom.people import ADMINISTRATOR, PASSWORD
from labs.classroom.shop import UNDER_WAY, Shop
from labs.classroom.visited import MONOLITH
from labs.infra.system import System
from tests.infra.nodes import eventually

LONG = os.environ.get("LAB_FAULTS", "long") == "long"
"""Whether there is time for everything (`make test-faults`), or for a few of each only (LAB_FAULTS=short, `make test`)."""
AT_ONCE = 8
PATIENCE = 120.0
"""Seconds that a customer goes on asking; longer than any fault lasts."""
CROWD = 60
"""Orders under way at which customers wait outside: more would make every test wait for them at its end."""
SHELF = {"tea": 100_000, "cup": 100_000, "pot": 100_000, "rare": 30}
"""Pieces to begin with; what is rare is sold out now and then."""
CHANNELS = (["email"], ["email"], ["email", "sms"], ["email", "push"], ["email", "sms", "push"])


class Storm:
    """The people of one system, who all go `through` one door: gateway, or monolith. `accepted` are the orders that customers
    hold a 202 for, with their keys, since the system came up; `trouble` counts what they met before they were answered, and
    what the clerk met, `wrong` is what no fault explains."""

    def __init__(self, system: System, seed: int, through: str = "gateway") -> None:
        self.shop, self.seed, self._door = Shop(system, through), seed, through
        self.accepted: dict[str, str] = {}
        self.trouble: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._orders = create_engine(system.database_url(MONOLITH if through == MONOLITH else "order"))
        self._numbers = itertools.count()
        self._customers: list[str] = []
        self._stop = threading.Event()

    def open(self) -> None:
        """Put everything on the shelf; returns when it can be ordered, even while nobody can be asked for a price."""
        for sku, pieces in SHELF.items():
            self.shop.offer(sku, random.Random(sku).randint(100, 900), low_at=10)
            self.shop.stock(sku, pieces)
        if self._door != MONOLITH:
            eventually(self._knows_all_prices, 60, "order-service has heard of every price")

    @contextmanager
    def raging(self, newcomers: float = 0.1, crowd: int = CROWD) -> Iterator[None]:
        """As long as this lasts, 8 customers place orders and a clerk works. `newcomers` is the share of orders whose customer
        registers first."""
        with self._at_work(self._numbers, newcomers, crowd):
            yield

    def place(self, orders: int, newcomers: float = 0.1, crowd: int = 10**6) -> None:
        """So many orders by 8 customers, beside the clerk; returns when all are accepted."""
        with self._at_work(itertools.islice(self._numbers, orders), newcomers, crowd, until_done=True):
            pass

    def under_way(self) -> int:
        """Orders that have not ended."""
        states = ", ".join(f"'{state}'" for state in UNDER_WAY)
        with self._orders.connect() as store:
            return int(store.execute(text(f"SELECT count(*) FROM orders WHERE status IN ({states})")).scalar_one())

    def _knows_all_prices(self) -> bool:
        with self._orders.connect() as store:
            return SHELF.keys() <= set(store.scalars(text("SELECT sku FROM known_prices")))

    @contextmanager
    def _at_work(
        self, numbers: Iterable[int], newcomers: float, crowd: int, until_done: bool = False
    ) -> Iterator[None]:
        self._stop.clear()
        shared = _Shared(iter(numbers))
        with ThreadPoolExecutor(AT_ONCE + 1) as pool:
            clerk = pool.submit(self._clerk)
            customers = [pool.submit(self._customer, shared, newcomers, crowd) for _ in range(AT_ONCE)]
            try:
                yield
                for customer in customers if until_done else ():
                    customer.result()
            finally:
                self._stop.set()
            for person in [clerk, *customers]:
                person.result()

    # --- customers ----------------------------------------------------------------------------------------------------

    def _customer(self, numbers: Iterator[int], newcomers: float, crowd: int) -> None:
        while not self._stop.is_set():
            if self.under_way() >= crowd:
                self._stop.wait(0.1)
            elif (number := next(numbers, None)) is not None:
                self._buy(number, newcomers)
            else:
                return

    def _buy(self, number: int, newcomers: float) -> None:
        chance, key = random.Random(f"{self.seed}-{number}"), f"{self.seed}-{number}"
        email = self._who(chance, newcomers, f"c{key}@example.org")
        skus = chance.sample(list(SHELF), chance.randint(1, 3))
        lines = [(sku, chance.randint(1, 3)) for sku in skus]
        if number % 20 == 7:
            lines[0] = (lines[0][0], 900_000)  # more than there is
        card = "card-declined" if chance.random() < 0.1 else "card-ok"
        answer = self._insist(lambda: self.shop.order(*lines, email=email, key=key, card=card), 202)
        if answer is None:
            return
        order = answer.json()
        self.accepted[order["id"]] = key
        if chance.random() < 0.15:
            self._stop.wait(chance.uniform(0, 0.4))  # to think again
            self._insist(lambda: self.shop.cancel(order["id"], email), 202, 409)
        if chance.random() < 0.05:
            profile = {"channels": chance.choice(CHANNELS)}
            who = f"/users/{order['customer_id']}"
            self._insist(lambda: self.shop.send("PATCH", "user-service", who, email, json=profile), 200)

    def _who(self, chance: random.Random, newcomers: float, email: str) -> str:
        """A customer who is known, or one who registers now."""
        if self._customers and chance.random() >= newcomers:
            return chance.choice(self._customers)
        number = f"+4930{chance.randrange(10**8):08}"
        profile = {"phone": number, "device_token": f"device-{number}", "channels": chance.choice(CHANNELS)}
        body = {"name": "A customer", "email": email, "password": PASSWORD, **profile}
        if self._insist(lambda: self.shop.post("user-service", "/users", body), 201, 409):
            self._customers.append(email)
        return email

    def _insist(self, send: Callable[[], requests.Response], *wanted: int) -> requests.Response | None:
        """Until it is answered with one of these; None after PATIENCE, or for an answer that nobody should get."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer, trouble = _sent(send)
            if trouble:
                self.trouble[trouble] += 1
                self._pause()
            elif answer.status_code in wanted:
                return answer
            else:
                self.wrong.append(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:300]}")
                return None
        self.wrong.append(f"somebody was not answered within {PATIENCE:g} s")
        return None

    def _pause(self) -> None:
        time.sleep(random.uniform(0.1, 0.4))  # so do customers; a storm that ends does not make them give up

    # --- the clerk ----------------------------------------------------------------------------------------------------

    def _clerk(self) -> None:
        """One thing after the other; what fails is not repeated, since nobody would notice."""
        chance, day = random.Random(self.seed), datetime.now(UTC).date().isoformat()
        while not self._stop.wait(0.4):
            sku, price = chance.choice(list(SHELF)), {"amount": chance.randint(100, 900), "currency": "EUR"}
            prices = {"prices": [{"sku": sku, **price}, {"sku": "unknown", **price}]}
            errand: tuple[str, str, str, dict[str, Any]] = chance.choice(
                [
                    ("PUT", "inventory-service", f"/products/{sku}", {"name": sku, "price": price, "low_at": 10}),
                    ("POST", "inventory-service", "/stock", {"sku": "rare", "quantity": chance.randint(1, 20)}),
                    ("POST", "inventory-service", "/stock", {"sku": sku, "quantity": 5, "reason": "return"}),
                    ("POST", "inventory-service", "/price-imports", prices),
                    ("POST", "inventory-service", "/stock-reports", {}),
                    ("POST", "order-service", "/settlements", {"day": day}),
                ]
            )
            method, service, path, body = errand
            answer, trouble = _sent(partial(self.shop.send, method, service, path, ADMINISTRATOR, json=body))
            if trouble:
                self.trouble[f"clerk: {trouble}"] += 1
            elif not answer.ok:
                self.wrong.append(f"clerk: {method} {path}: {answer.status_code} {answer.text[:300]}")


@contextmanager
def met(storm: Storm) -> Iterator[Counter[str]]:
    """What its people meet while this lasts, known at its end."""
    before, found = storm.trouble.copy(), Counter[str]()
    yield found
    found.update(storm.trouble - before)


class _Shared:
    """An iterator for several threads."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers, self._turn = numbers, threading.Lock()

    def __iter__(self) -> "_Shared":
        return self

    def __next__(self) -> int:
        with self._turn:
            return next(self._numbers)


def _sent(send: Callable[[], requests.Response]) -> tuple[requests.Response, str]:
    """The answer, and what is the trouble with it: refused, no answer, a status from 500 on; empty if there is none."""
    try:
        answer = send()
    except requests.HTTPError as error:  # of whoever wanted a token first
        answer = error.response
    except requests.RequestException as error:
        return requests.Response(), "refused" if _refused(error) else "no answer"
    return answer, str(answer.status_code) if answer.status_code >= 500 else ""


def _refused(error: BaseException | None) -> bool:
    """Nobody listened, so nothing was begun. The classroom's own words hide what requests said, and keep it as the context."""
    while error is not None:
        if isinstance(getattr(error.args[0] if error.args else None, "reason", None), NewConnectionError):
            return True
        error = error.__context__
    return False
