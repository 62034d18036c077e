"""How somebody outside the shop is asked to do something once: with a key that stays the same however often it is asked."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests

from labs.services.chassis.client import Client, Unreachable
from labs.services.order.saga import Later, Refused

TIMEOUT = 4.0
"""Seconds for one call with all its attempts; less than the lease of a step."""
FINAL = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.PAYMENT_REQUIRED,
    HTTPStatus.CONFLICT,
    HTTPStatus.GONE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Answers to what was asked, the same to whoever asks again. Other errors (a wrong API key, too many requests) say nothing of
it and pass, perhaps after somebody has mended our settings."""


class Provider:
    """Somebody outside, asked with our API key."""

    def __init__(self, name: str, base_url: str, api_key: str) -> None:
        self._client = Client(base_url, name, TIMEOUT)
        self._authorization = {"Authorization": f"Bearer {api_key}"}

    def ask(self, path: str, key: str, body: Mapping[str, Any]) -> dict[str, Any] | Refused | Later:
        """What it answers (JSON), or why it does not."""
        headers = {**self._authorization, "Idempotency-Key": key}
        try:
            answer = self._client.post(path, json=body, headers=headers, idempotent=True)
        except Unreachable as error:
            return Later(str(error), error.maybe_done)
        if answer.ok:
            done: dict[str, Any] = answer.json()
            return done
        reason = f"{self._client.name}: {_words(answer)}"
        return Refused(reason) if answer.status_code in FINAL else Later(reason, maybe_done=True)

    def look(self, path: str, **params: str) -> dict[str, Any]:
        """What it knows. Raises Unreachable, also for any answer but the one asked for."""
        answer = self._client.get(path, params=params, headers=self._authorization)
        if not answer.ok:
            raise Unreachable(self._client.name, _words(answer), maybe_done=False)
        found: dict[str, Any] = answer.json()
        return found


def _words(answer: requests.Response) -> str:
    """The detail of a problem, or what there is."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"it answered {answer.status_code}"
