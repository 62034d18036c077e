"""Load on a running system: requests at a constant rate (open loop), or by so many clients as fast as they get answers
(closed loop).

An open loop is how customers come: they do not wait for each other, so a slow system cannot slow down its own exam. A request
that is late because all connections were busy counts from the moment at which it was due."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

NO_ANSWER = 0
"""The status of a request that got none: connection refused or lost, or too late."""


@dataclass(frozen=True)
class Request:
    """One request to come; `body` is sent as JSON unless it is None."""

    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of one: seconds since the start at which it was due, seconds from then until its answer was complete, its
    status, its body as JSON (None if it is not)."""

    due: float
    seconds: float
    status: int
    body: Any


@dataclass
class Report:
    """What became of all of them, in the order in which they ended. `lasted` is in seconds."""

    outcomes: list[Outcome] = field(default_factory=list)
    lasted: float = 0.0

    def statuses(self) -> Counter[int]:
        """How many answers of each status; NO_ANSWER for none."""
        return Counter(outcome.status for outcome in self.outcomes)

    def answered(self, status: int) -> list[Outcome]:
        """Those with this status."""
        return [outcome for outcome in self.outcomes if outcome.status == status]

    def rate(self, status: int) -> float:
        """Answers of this status per second."""
        return len(self.answered(status)) / self.lasted if self.lasted else 0.0

    def percentile(self, percent: float) -> float:
        """Seconds within which so many percent were answered, whatever the answer; who got none counts as the slowest.
        Raises ValueError if there were no requests."""
        if not self.outcomes:
            raise ValueError("there were no requests")
        seconds = sorted(float("inf") if o.status == NO_ANSWER else o.seconds for o in self.outcomes)
        return seconds[min(len(seconds) - 1, int(len(seconds) * percent / 100))]


def open_loop(requests: Iterable[Request], rate: float, seconds: float, timeout: float = 10.0) -> Report:
    """`rate` requests per second for so many seconds, each when it is due; returns when the last is answered or has waited
    `timeout` seconds."""
    return _run(_open(iter(requests), rate, seconds, timeout))


def closed_loop(requests: Iterable[Request], clients: int, seconds: float, timeout: float = 10.0) -> Report:
    """So many clients, each with its next request as soon as its last is answered, for so many seconds."""
    return _run(_closed(iter(requests), clients, seconds, timeout))


def _run(load: Any) -> Report:
    """In a thread of its own: a notebook's has an event loop already."""
    reports: list[Report] = []
    thread = threading.Thread(target=lambda: reports.append(asyncio.run(load)), name="load", daemon=True)
    thread.start()
    thread.join()
    if not reports:
        raise RuntimeError("the load broke off; the traceback above says why")
    return reports[0]


def _session(timeout: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=timeout), trust_env=False
    )


async def _open(requests: Iterator[Request], rate: float, seconds: float, timeout: float) -> Report:
    report, sent = Report(), []
    async with _session(timeout) as session:
        begun = time.monotonic()
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if (request := next(requests, None)) is None:
                break
            sent.append(asyncio.create_task(_send(session, request, begun, due, report)))
        await asyncio.gather(*sent)
        report.lasted = max(seconds, time.monotonic() - begun)
    return report


async def _closed(requests: Iterator[Request], clients: int, seconds: float, timeout: float) -> Report:
    report = Report()
    async with _session(timeout) as session:
        begun = time.monotonic()

        async def client() -> None:
            while time.monotonic() - begun < seconds and (request := next(requests, None)) is not None:
                await _send(session, request, begun, time.monotonic(), report)

        await asyncio.gather(*(client() for _ in range(clients)))
        report.lasted = time.monotonic() - begun
    return report


async def _send(session: aiohttp.ClientSession, request: Request, begun: float, due: float, report: Report) -> None:
    status, body = NO_ANSWER, None
    try:
        async with session.request(
            request.method, request.url, json=request.body, headers=dict(request.headers)
        ) as answer:
            status = answer.status
            body = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError):
        status = NO_ANSWER
    except ValueError:  # an answer whose body is not JSON is an answer
        body = None
    report.outcomes.append(Outcome(due - begun, time.monotonic() - due, status, body))
