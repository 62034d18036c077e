"""Customers who go on buying while a lab looks at something else."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import requests

from labs.classroom.shop import Shop

AT_ONCE = 8
"""Orders that may be waiting for their answer at the same time."""
Basket = Callable[[int], list[tuple[str, int]]]
"""What the n-th customer buys: (sku, quantity)."""


class Customers:
    """They order `rate` times a second, however slow the shop is, until `leave`. `statuses` counts the answers; 0 is none."""

    def __init__(self, shop: Shop, rate: float, basket: Basket) -> None:
        self._shop, self._rate, self._basket = shop, rate, basket
        self._left = threading.Event()
        self._turn = threading.Lock()
        self.statuses = Counter[int]()
        self.accepted: list[str] = []
        self._thread = threading.Thread(target=self._come, name="customers", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """No more orders; returns when the last one is answered."""
        self._left.set()
        self._thread.join()

    def _come(self) -> None:
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as hands:
            number = 0
            while not self._left.wait(max(0.0, began + number / self._rate - time.monotonic())):
                hands.submit(self._order, number)
                number += 1

    def _order(self, number: int) -> None:
        try:
            answer = self._shop.order(*self._basket(number))
        except requests.RequestException:
            self._count(0, "")
            return
        self._count(answer.status_code, answer.json().get("id", "") if answer.ok else "")

    def _count(self, status: int, order_id: str) -> None:
        with self._turn:
            self.statuses[status] += 1
            self.accepted += [order_id] if order_id else []


@contextmanager
def buying(shop: Shop, rate: float, basket: Basket = lambda _number: [("tea", 1)]) -> Iterator[Customers]:
    """While this lasts."""
    customers = Customers(shop, rate, basket)
    try:
        yield customers
    finally:
        customers.leave()
