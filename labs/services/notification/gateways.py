"""SMS and push: gateways over HTTP. They know the Idempotency-Key, so what is sent again reaches the customer once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from labs.services.chassis.client import Client, Unreachable
from labs.services.notification.channels import TIMEOUT, Later, Refused, Send
from labs.services.notification.store import Notification

COME_AGAIN = {408, 409, 425, 429}
"""Answers below 500 that are about this moment, and not about the message."""


class Gateway:
    """At `url`; `content` makes the body that it wants."""

    def __init__(self, name: str, url: str, content: Callable[[Notification], dict[str, Any]]) -> None:
        self._client, self._content = Client(url, name, TIMEOUT), content

    @contextmanager
    def opened(self) -> Iterator[Send]:
        """The connections are shared by all lanes."""
        yield self._send

    def _send(self, notification: Notification) -> None:
        headers = {"Idempotency-Key": notification.id}
        try:
            answer = self._client.post("/messages", idempotent=True, json=self._content(notification), headers=headers)
        except Unreachable as error:
            raise Later(str(error)) from None
        if answer.status_code in COME_AGAIN:
            raise Later(f"{answer.status_code} {answer.text[:200]}")
        if not answer.ok:
            raise Refused(f"{answer.status_code} {answer.text[:200]}")


def text_message(notification: Notification) -> dict[str, Any]:
    """What an SMS gateway wants."""
    return {"to": notification.recipient, "text": notification.body}


def push_message(notification: Notification) -> dict[str, Any]:
    """What a push gateway wants."""
    return {"device_token": notification.recipient, "title": notification.subject, "text": notification.body}
