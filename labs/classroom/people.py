"""Who uses the shop: customers who register on first use, and a clerk. Each has a token, and a new one before it ends."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

ADMINISTRATOR = "admin@shop.example"
PASSWORD = "a customer's password"
"""Of customers that exist only as long as their shop."""
MARGIN = 60.0
"""Seconds before its end at which a token is replaced."""


Send = Callable[..., requests.Response]
"""Sends (method, path, …) to user-service; returns any answer."""


def succeeded(answer: requests.Response) -> None:
    """Raises requests.HTTPError that says what the problem is, unless all went well."""
    if not answer.ok:
        problem = "problem" in answer.headers.get("Content-Type", "")
        detail = answer.json()["detail"] if problem else answer.reason
        raise requests.HTTPError(f"{answer.status_code}: {detail}", response=answer)


@dataclass
class Login:
    """One person's way in."""

    id: str
    email: str
    password: str
    token: str = ""
    ends: float = 0.0


class People:
    """The people of one shop by e-mail address. Errors are those of requests."""

    def __init__(self, send: Send, administrator_password: str) -> None:
        self._send = send
        self._logins = {ADMINISTRATOR: Login("", ADMINISTRATOR, administrator_password)}

    def register(self, email: str, **profile: Any) -> Login:
        """A customer; `profile` may have name, phone, device_token, channels. Whoever is registered already logs in."""
        body = {"name": email.partition("@")[0], "email": email, "password": PASSWORD, **profile}
        answer = self._send("POST", "/users", json=body)
        if answer.status_code != requests.codes.conflict:
            succeeded(answer)
        self._logins[email] = login = Login("", email, PASSWORD)
        return login

    def headers(self, email: str) -> dict[str, str]:
        """The header that says who asks."""
        login = self._logins.get(email) or self.register(email)
        if time.time() > login.ends - MARGIN:
            answer = self._send("POST", "/tokens", json={"email": email, "password": login.password})
            succeeded(answer)
            login.token = answer.json()["access_token"]
            login.ends = time.time() + answer.json()["expires_in"]
        return {"Authorization": f"Bearer {login.token}"}
