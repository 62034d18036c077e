"""A crowd of customers: who comes when, and for what, a learner's load profile says. Nobody waits for anybody else to come,
so a slow shop cannot slow down its own exam; but as with any load generator only so many requests are under way at once."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp

from labs.classroom.load import NO_ANSWER, Request
from labs.classroom.shop import EMAIL, Shop
from labs.classroom.slips import Slip

HANDS = 32
"""Requests under way at the same time."""
MOST_WAITING = 2000
"""Customers who wait for a hand; no profile that anybody means has so many."""
TIMEOUT = 20.0
GLANCE = 0.05
"""Seconds between two looks whether it is time to leave."""


@dataclass(frozen=True)
class Visit:
    """One customer's visit. `due`, `sent` and `answered` are seconds since the crowd began to come: when the customer was
    there, when the request went out, when its answer was complete; `status` is NO_ANSWER if there was none."""

    what: str
    due: float
    sent: float
    answered: float
    status: int


def errands(shop: Shop) -> Mapping[str, Any]:
    """What a customer may come for: functions that give the request."""
    shop.people.headers(EMAIL)  # whoever buys is registered before the first one comes
    looks, orders = shop.url("inventory-service", "/products"), shop.url("order-service", "/orders")
    tea = {"lines": [{"sku": "tea", "quantity": 1}]}

    def buy() -> Request:
        return Request("POST", orders, tea, shop.people.headers(EMAIL) | {"Idempotency-Key": uuid4().hex})

    return {"look": lambda: Request("GET", looks), "buy": buy}


class Crowd:
    """Comes from now on, each of `visits` (second, what for) when it is due, until it is told to leave."""

    def __init__(self, shop: Shop, visits: Iterable[tuple[float, str]], hands: int = HANDS) -> None:
        self._visits, self._hands = iter(visits), hands
        self._errands = errands(shop)
        self._left = threading.Event()
        self._seen: list[Visit] = []
        self._trouble = ""
        self.came = 0
        """Customers who have been there so far."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._come()), name="crowd", daemon=True)
        self._thread.start()

    def leave(self, after: float = 0.0) -> list[Visit]:
        """Nobody comes any more, once so many more seconds are over; returns every visit in the order in which they were due,
        when the last is answered. Raises Slip if the profile broke off."""
        time.sleep(after)  # they go on coming meanwhile: this is the load
        self._left.set()
        self._thread.join()
        if self._trouble:
            raise Slip(f"The crowd stopped coming: {self._trouble}")
        return sorted(self._seen, key=lambda visit: visit.due)

    async def _come(self) -> None:
        hands, under_way = asyncio.Semaphore(self._hands), set[asyncio.Task[None]]()
        limits = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(timeout=limits, trust_env=False) as session:
            begun = time.monotonic()
            for number in itertools.count():
                try:
                    due, what = next(self._visits)
                    request = self._errands[what]()
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001  it is a learner's code, and this a thread that nobody watches
                    self._trouble = f"visit {number} of your profile raised {type(error).__name__}: {error}"
                    break
                if not await self._until(begun + due):
                    break
                if len(under_way) > MOST_WAITING:
                    self._trouble = (
                        f"{MOST_WAITING} customers wait at once. Does your profile let time pass between two?"
                    )
                    break
                task = asyncio.create_task(self._visit(session, hands, request, what, begun, due))
                under_way.add(task)
                self.came += 1
                task.add_done_callback(under_way.discard)
            if self._trouble:  # nobody will look at what they saw
                for task in under_way:
                    task.cancel()
            await asyncio.gather(*under_way, return_exceptions=bool(self._trouble))

    async def _until(self, moment: float) -> bool:
        """False if it is time to leave before."""
        while not self._left.is_set():
            if (rest := moment - time.monotonic()) <= 0:
                return True
            await asyncio.sleep(min(rest, GLANCE))
        return False

    async def _visit(
        self,
        session: aiohttp.ClientSession,
        hands: asyncio.Semaphore,
        request: Request,
        what: str,
        begun: float,
        due: float,
    ) -> None:
        async with hands:
            sent, status = time.monotonic() - begun, NO_ANSWER
            headers = dict(request.headers)
            try:
                async with session.request(request.method, request.url, json=request.body, headers=headers) as answer:
                    await answer.read()
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError):
                status = NO_ANSWER
            self._seen.append(Visit(what, due, sent, time.monotonic() - begun, status))
