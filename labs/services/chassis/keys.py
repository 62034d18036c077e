"""The public keys that tokens are verified with, from user-service's JWKS (RFC 7517): fetched seldom, kept while it is away."""

import math
import threading
import time
from typing import Any, Protocol

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from labs.services.chassis import deadline, logs

FETCH_TIMEOUT = 2.0
"""Seconds for one fetch, and that a request whose key is not known waits for it."""
FETCH_PAUSE = 5.0
"""Seconds between two fetches at least, whatever keys the callers name."""
MAX_AGE = 300.0
"""Seconds until known keys are fetched anew, in the background: then a withdrawn key is gone."""
MOST_WAITING = 4
"""Requests that may wait for an unknown key at once, so that they never take all threads of the process."""
PublicKey = Ed25519PublicKey
log = logs.get(__name__)


class KeysAway(Exception):
    """It cannot be said now whether there is such a key; ask again in `seconds`."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(why)
        self.seconds = math.ceil(seconds)


class Keys(Protocol):
    """Where the keys come from."""

    def find(self, kid: str) -> PublicKey | None:
        """The key of this id, None if there is none. Raises KeysAway."""


class StaticKeys:
    """The keys of one JWKS document, for ever. Raises ValueError if it is none."""

    def __init__(self, jwks: dict[str, Any]) -> None:
        self._keys = read(jwks)

    def find(self, kid: str) -> PublicKey | None:
        """The key of this id, None if there is none."""
        return self._keys.get(kid)


class RemoteKeys:
    """The keys at `jwks_url`. A known key costs no waiting; for an unknown one a request waits until all are fetched anew."""

    def __init__(self, jwks_url: str) -> None:
        self._url = jwks_url
        self._keys: dict[str, PublicKey] = {}
        self._lock = threading.Lock()
        self._fetch: _Fetch | None = None
        self._waiting = 0

    def find(self, kid: str) -> PublicKey | None:
        """The key of this id, None if there is none. Raises KeysAway while that cannot be known."""
        if key := self._keys.get(kid):
            self._start(kid, MAX_AGE)
            return key
        fetch = self._start(kid, FETCH_PAUSE)
        self._wait(fetch)
        key = self._keys.get(kid)
        if key is None and fetch.kid != kid:  # that fetch may have begun before this key was made
            raise KeysAway("its key is not known yet", fetch.next_in())
        return key

    def _start(self, kid: str, age: float) -> "_Fetch":
        """The fetch under way, or the last one if that is younger than `age` seconds, or a new one."""
        with self._lock:
            if self._fetch is None or self._fetch.is_older_than(age):
                self._fetch = _Fetch(kid)
                threading.Thread(target=self._run, args=(self._fetch,), daemon=True, name="jwks").start()
            return self._fetch

    def _wait(self, fetch: "_Fetch") -> None:
        if not fetch.done.is_set():
            with self._lock:
                if self._keys and self._waiting >= MOST_WAITING:
                    raise KeysAway("too many others wait for the keys", 1)
                self._waiting += 1
            try:
                fetch.done.wait(min(FETCH_TIMEOUT, deadline.remaining()))
            finally:
                with self._lock:
                    self._waiting -= 1
        if fetch.failed:
            raise KeysAway("the keys cannot be fetched", fetch.next_in())

    def _run(self, fetch: "_Fetch") -> None:
        try:
            with requests.Session() as session:
                session.trust_env = False  # a proxy for the world outside does not know our own addresses
                answer = session.get(self._url, timeout=FETCH_TIMEOUT)
                answer.raise_for_status()
                self._keys = read(answer.json())
            fetch.failed = False
        except (requests.RequestException, ValueError) as error:
            log.warning("keys not fetched, those known stay", known=len(self._keys), reason=str(error))
        finally:
            fetch.done.set()


class _Fetch:
    """One attempt to get the key set, for the sake of the key `kid`. It has failed until it has not."""

    def __init__(self, kid: str) -> None:
        self.kid, self.started, self.done, self.failed = kid, time.monotonic(), threading.Event(), True

    def is_older_than(self, seconds: float) -> bool:
        """And over; a failed one is repeated after FETCH_PAUSE."""
        return self.done.is_set() and time.monotonic() - self.started >= (FETCH_PAUSE if self.failed else seconds)

    def next_in(self) -> float:
        """Seconds until another may begin, at least 1."""
        return max(1.0, self.started + FETCH_PAUSE - time.monotonic())


def read(jwks: Any) -> dict[str, PublicKey]:
    """The Ed25519 keys of a JWKS document by id; other keys in it are not for us. Raises ValueError if it is none."""
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ValueError("no JWKS: it has no list of keys")
    ours = [key for key in jwks["keys"] if isinstance(key, dict) and key.get("crv") == "Ed25519" and key.get("kid")]
    try:
        keys = {str(key["kid"]): PyJWK(key, "EdDSA").key for key in ours}
    except PyJWTError as error:
        raise ValueError(f"no JWKS: {error}") from None
    return {kid: key if isinstance(key, PublicKey) else key.public_key() for kid, key in keys.items()}
