"""How a service asks another one over HTTP: within a deadline, with few and scattered attempts, and not at all while the
other one is known to be down. Delivery rule 9."""

import random
import threading
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from labs.services.chassis import deadline, logs, metrics
from labs.services.chassis.breaker import Breaker, Down

ATTEMPTS = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
"""Seconds: the pause before an attempt is drawn from 0 to the first, then to twice as much, and so on (full jitter)."""
RETRY_RATIO, RETRY_FLOOR, RETRY_STORE = 0.1, 3.0, 10.0
"""Attempts beyond the first that each request earns for all; so many there are to begin with; so many can be saved up."""
LEAST_TIME = 0.05
"""Seconds: with less left there is no attempt, which would say nothing about the other side but that we are in a hurry."""
CONNECTIONS = 32
"""Kept open to one dependency."""
CALLS = metrics.counter("client_calls_total", "Calls of another service, by how they ended", ("dependency", "outcome"))
SENT = metrics.counter("client_attempts_total", "Requests sent for them", ("dependency",))
log = logs.get(__name__)


class Unreachable(Exception):
    """There is no answer. `maybe_done` if the other side may nevertheless have done what was asked."""

    def __init__(self, name: str, reason: str, maybe_done: bool) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason, self.maybe_done = name, reason, maybe_done


class Client:
    """For one dependency at `base_url`; make one for the process, it is safe in threads and greenlets. A call with all its
    attempts takes at most `timeout` seconds, or what is left until the deadline if that is less."""

    def __init__(self, base_url: str, name: str = "", timeout: float = 2.0) -> None:
        self._base_url, self.name, self._timeout = base_url.rstrip("/"), name or base_url, timeout
        self._session = _session()
        self._retries = RetryBudget()
        self._breaker = Breaker()

    def get(self, path: str, **details: Any) -> requests.Response:
        """Any answer below 500. `details` are those of `requests`: params, headers. Raises Unreachable."""
        return self._call("GET", path, True, details)

    def post(self, path: str, *, idempotent: bool = False, **details: Any) -> requests.Response:
        """The same with a body, `json=`. Only if it is said to be idempotent, which an Idempotency-Key makes it, there is
        more than one attempt. Raises Unreachable."""
        return self._call("POST", path, idempotent, details)

    def _call(self, method: str, path: str, repeatable: bool, details: Mapping[str, Any]) -> requests.Response:
        self._retries.earn()
        maybe_done = False
        with deadline.until(time.time() + self._timeout):
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    answer = self._attempt(method, path, details)
                except _Failed as failed:
                    maybe_done = maybe_done or failed.maybe_done
                    pause = random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)))
                    pause = max(pause, failed.retry_after)
                    last = not repeatable or failed.final or attempt == ATTEMPTS or pause >= deadline.remaining()
                    if last or not self._retries.spend():
                        CALLS.labels(self.name, "unreachable").inc()
                        raise Unreachable(self.name, f"{failed} (attempt {attempt})", maybe_done) from None
                    log.warning("asking again", dependency=self.name, attempt=attempt, reason=str(failed))
                else:
                    CALLS.labels(self.name, "answered").inc()
                    return answer
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, method: str, path: str, details: Mapping[str, Any]) -> requests.Response:
        """One request. Raises _Failed."""
        left = deadline.remaining()
        if left < LEAST_TIME:
            raise _Failed("there is no time left", final=True)
        try:
            with self._breaker.guard():
                return self._send(
                    method, path, {**details, "headers": _headers(details.get("headers")), "timeout": left}
                )
        except Down:
            raise _Failed("it was down a moment ago", final=True) from None

    def _send(self, method: str, path: str, details: dict[str, Any]) -> requests.Response:
        SENT.labels(self.name).inc()
        try:
            answer = self._session.request(method, self._base_url + path, allow_redirects=False, **details)
        except requests.RequestException as error:
            raise _Failed(_words(error), maybe_done=not _never_sent(error)) from None
        if answer.status_code >= 500:
            raise _Failed(f"it answered {answer.status_code}", maybe_done=True, retry_after=_retry_after(answer))
        return answer


class RetryBudget:
    """How many second attempts there may be: a part of all requests, so that a dependency in trouble does not get a
    multiple of its load on top."""

    def __init__(self) -> None:
        self._saved, self._lock = RETRY_FLOOR, threading.Lock()

    def earn(self) -> None:
        """A request begins."""
        with self._lock:
            self._saved = min(RETRY_STORE, self._saved + RETRY_RATIO)

    def spend(self) -> bool:
        """May there be another attempt?"""
        with self._lock:
            if self._saved < 1:
                return False
            self._saved -= 1
            return True


class _Failed(Exception):
    """An attempt without a usable answer. After a final one there is no point in another now."""

    def __init__(self, reason: str, maybe_done: bool = False, final: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.maybe_done, self.final, self.retry_after = maybe_done, final, retry_after


def _session() -> requests.Session:
    """Shared by threads: nothing in it changes while it is used, and it takes no cookies."""
    session = requests.Session()
    session.trust_env = False  # a proxy for the world outside does not know our own addresses
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS))
    return session


def _headers(given: Mapping[str, str] | None) -> dict[str, str]:
    """With what the other side needs to know of the request under way here; its trace is added by traces.py."""
    headers = {**deadline.header(), **(given or {})}
    if correlation_id := logs.correlation_id():
        headers.setdefault(logs.CORRELATION_HEADER, correlation_id)
    return headers


def _never_sent(error: requests.RequestException) -> bool:
    """There was no connection, so nobody has done anything."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)


def _words(error: requests.RequestException) -> str:
    """What happened, without the addresses of objects."""
    if isinstance(error, requests.Timeout):
        return "it did not answer in time"
    return "no connection" if _never_sent(error) else f"the connection broke ({type(error).__name__})"


def _retry_after(answer: requests.Response) -> float:
    """Seconds that the other side asks to wait; 0 if it does not say, or says it as a date."""
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else 0.0
