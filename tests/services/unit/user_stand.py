"""user-service alone, on a database of its own of either kind, asked over HTTP without a network."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from argon2 import PasswordHasher
from sqlalchemy import select
from werkzeug.test import TestResponse

from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate
from labs.services.chassis.outbox import outbox
from labs.services.user import passwords
from labs.services.user.api import create_app
from labs.services.user.keys import KeyRing
from labs.services.user.settings import Settings
from labs.services.user.start import ADMINISTRATOR

PASSWORD = "correct horse"
SECRET = "a secret for the tests"
ADMINISTRATORS = "the administrator's"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Users:
    """The service, somebody who asks it, and a look behind it."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.url = url
        migrate("user", url)
        self.settings = settings_for(url, **settings)
        self.db = Database(url)
        self.keys = KeyRing(self.db, SECRET, self.settings.key_lead_seconds)
        self.app = create_app(self.settings)

    def ask(self, method: str, path: str, body: Any = None, token: str = "", **more: Any) -> TestResponse:
        """Any answer; `more` goes to werkzeug's test client."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            more["json"] = body
        return self.app.test_client().open(path, method=method, headers=headers | more.pop("headers", {}), **more)

    def register(self, email: str = "customer@example.org", **profile: Any) -> TestResponse:
        """A customer, or not."""
        return self.ask("POST", "/users", {"name": "A customer", "email": email, "password": PASSWORD} | profile)

    def log_in(self, email: str = "customer@example.org", password: str = PASSWORD, **more: Any) -> TestResponse:
        """With a token, or not."""
        return self.ask("POST", "/tokens", {"email": email, "password": password}, **more)

    def customer(self, email: str = "customer@example.org", **profile: Any) -> tuple[str, str]:
        """(path of the profile, token) of somebody new."""
        location = self.register(email, **profile).headers["Location"]
        return location, self.log_in(email).json["access_token"]

    def administrator(self) -> str:
        """A token of the first administrator."""
        return self.log_in(ADMINISTRATOR, ADMINISTRATORS).json["access_token"]

    def told(self, event_type: str) -> list[dict[str, Any]]:
        """The data of the events of this type, without the administrator's."""
        with self.db.reading() as session:
            data = session.scalars(select(outbox.c.data).where(outbox.c.type == event_type).order_by(outbox.c.position))
            return [each for each in data if each["email"] != ADMINISTRATOR]

    def everything_told(self) -> str:
        """All events as one text."""
        with self.db.reading() as session:
            return json.dumps(list(session.scalars(select(outbox.c.data))))


def settings_for(url: str, **changes: Any) -> Settings:
    """The settings of a service on this database."""
    given = {"key_secret": SECRET, "password_administrator": ADMINISTRATORS}
    return Settings(**{"service": "user-service", "database_url": url, **given, **changes})


on_both = pytest.mark.parametrize("users", ["sqlite", "postgresql"], indirect=True)
"""A test whose outcome the database decides."""


@contextmanager
def users_at(url: str, **settings: Any) -> Iterator[Users]:
    """The service on an empty database, with passwords that cost little; logging as it was afterwards."""
    handlers = logging.getLogger().handlers
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", QUICK)
        passwords.nobodys.cache_clear()
        users = Users(url, **settings)
        yield users
        users.db.engine.dispose()
    passwords.nobodys.cache_clear()
    logging.getLogger().handlers = handlers
    structlog.reset_defaults()


class Clock:
    """Time that a test moves on: `clock.on(60)`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._real, self._ahead = time.time, 0.0
        patch.setattr(time, "time", lambda: self._real() + self._ahead)

    def on(self, seconds: float) -> None:
        """So much later."""
        self._ahead += seconds


def at_once(work: Callable[[int], Any], times: int) -> list[Any]:
    """What `work(number)` returned, in threads that start together. Raises what any of them raised."""
    start = threading.Barrier(times)

    def run(number: int) -> Any:
        start.wait(10)
        return work(number)

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(run, range(times)))
