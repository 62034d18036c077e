"""The outside world alone: asked over HTTP without a network, or as the process that it really is."""

import logging
import os
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import requests
import structlog
from werkzeug.test import TestResponse

from labs.services.chassis.migrate import migrate
from labs.services.outside import faults
from labs.services.outside.app import create_app
from labs.services.outside.settings import Settings

KEY = "the-key-of-the-shop"
HEADER = {"Authorization": f"Bearer {KEY}"}
LINES = [{"sku": "cup", "quantity": 1}, {"sku": "tea", "quantity": 2}]


def free_port() -> int:
    """A port on the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


class Outside:
    """All gateways, the shop that asks them, and whoever breaks them."""

    def __init__(self, url: str) -> None:
        self.url = url
        migrate("outside", self.url)
        self.smtp = f"127.0.0.1:{free_port()}"
        self.start()

    def start(self) -> None:
        """The process begins: nothing is known but what the database knows."""
        self.app = create_app(Settings(service="outside", database_url=self.url, smtp_bind=self.smtp, outside_key=KEY))

    def stop(self) -> None:
        """It ends, and takes no more mail."""
        self.app.extensions["smtp"].stop()
        self.app.extensions["clock"].stop()

    def ask(self, method: str, path: str, body: Any = None, key: str = "", **more: Any) -> TestResponse:
        """Any answer; `key` is the Idempotency-Key."""
        headers = more.pop("headers", HEADER) | ({"Idempotency-Key": key} if key else {})
        if body is not None:
            more["json"] = body
        return self.app.test_client().open(path, method=method, headers=headers, **more)

    def charge(self, key: str, amount: int = 350, card: str = "card-ok", order_id: str = "o-1") -> TestResponse:
        """Take this much."""
        body = {"order_id": order_id, "amount": amount, "currency": "EUR", "card": card}
        return self.ask("POST", "/payments/charges", body, key)

    def refund(self, key: str, charge_key: str, amount: int) -> TestResponse:
        """Give this much back."""
        return self.ask("POST", "/payments/refunds", {"charge_key": charge_key, "amount": amount}, key)

    def ship(self, key: str, *lines: dict[str, Any]) -> TestResponse:
        """Carry an order off."""
        return self.ask("POST", "/carrier/shipments", {"order_id": "o-1", "lines": list(lines) or LINES}, key)

    def book(self, **wanted: str) -> Any:
        """What the payment provider says."""
        return self.ask("GET", "/payments/book", query_string=wanted).json

    def break_(self, fault: str, **how: Any) -> None:
        """Switch a fault on."""
        answer = self.ask("PUT", f"/faults/{fault}", {"on": True, **how})
        assert answer.status_code == 200, answer.text

    def fault(self, name: str) -> Any:
        """What /faults says of it."""
        return next(each for each in self.ask("GET", "/faults").json["items"] if each["name"] == name)

    def mend(self) -> None:
        """Switch all faults off."""
        assert self.ask("DELETE", "/faults").status_code == 204

    def mails(self, **wanted: str) -> Any:
        """What the customers can read."""
        return self.ask("GET", "/mails", query_string=wanted).json


@contextmanager
def outside_at(url: str) -> Iterator[Outside]:
    """It, at once instead of as slow as it normally is, and pytest's own logging as it was."""
    handlers = logging.getLogger().handlers
    with pytest.MonkeyPatch.context() as patch:
        for gateway in faults.LATENCY:
            patch.setitem(faults.LATENCY, gateway, 0.0)
        outside = Outside(url)
        yield outside
        outside.stop()
    logging.getLogger().handlers = handlers
    structlog.reset_defaults()


def mail(address: str, recipient: str = "a@example.org", number: int = 1, timeout: float = 10.0) -> None:
    """Hand a mail to the server at host:port. Raises what smtplib raises."""
    text = EmailMessage()
    text["From"], text["To"], text["Subject"] = "shop@example.org", recipient, f"Grüße {number}"
    text["Message-ID"], text["X-Order-ID"], text["X-Correlation-ID"] = f"<m-{number}@x>", f"o-{number}", "c-1"
    text.set_content("Alles da: ✓")
    host, _, port = address.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=timeout) as server:
        server.send_message(text)


class Process:
    """The outside world as docker-compose.yml starts it."""

    def __init__(self, directory: Path) -> None:
        self.http, self.smtp = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        url = f"sqlite:///{directory}/outside.db"
        migrate("outside", url)
        given = {
            "SERVICE": "outside",
            "DATABASE_URL": url,
            "BIND": self.http,
            "SMTP_BIND": self.smtp,
            "OUTSIDE_KEY": KEY,
        }
        command = [sys.executable, "-m", "gunicorn", "-c", "python:labs.services.chassis.gunicorn"]
        self.log = directory / "outside.log"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, "labs.services.outside.app:create_app()"], env=os.environ | given, stdout=log, stderr=log
            )
        self._session = requests.Session()
        self._session.trust_env = False
        self._wait()

    def ask(self, method: str, path: str, body: Any = None, key: str = "", timeout: float = 10.0) -> requests.Response:
        """Any answer. Raises what requests raises."""
        headers = HEADER | ({"Idempotency-Key": key} if key else {})
        return self._session.request(method, f"http://{self.http}{path}", json=body, headers=headers, timeout=timeout)

    def charge(self, key: str, timeout: float = 10.0) -> requests.Response:
        """Take some money."""
        body = {"order_id": key, "amount": 350, "currency": "EUR", "card": "card-ok"}
        return self.ask("POST", "/payments/charges", body, key, timeout)

    def charged(self) -> list[str]:
        """The keys of all charges."""
        return [each["key"] for each in self.ask("GET", "/payments/charges").json()]

    def break_(self, fault: str, **how: Any) -> None:
        """Switch a fault on."""
        self.ask("PUT", f"/faults/{fault}", {"on": True, **how}).raise_for_status()

    @property
    def pid(self) -> int:
        """Of gunicorn's master; the worker is its child."""
        return self._process.pid

    def leave(self) -> None:
        """Ask it to end, and go on talking."""
        self._process.terminate()

    def stop(self) -> None:
        """In good order."""
        self._session.close()
        self._process.terminate()
        self._process.wait(20)

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while not self._is_ready():
            assert self._process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            return self.ask("GET", "/health/ready", timeout=5).ok
        except requests.RequestException:
            return False
