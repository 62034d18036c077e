"""The API key that the payment provider and the carrier want to see: `Authorization: Bearer <OUTSIDE_KEY>`."""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import request

from labs.services.chassis.problems import Problem

SCHEME = "key"
SECURITY_SCHEMES = {SCHEME: {"type": "http", "scheme": "bearer", "description": "the API key of the shop"}}
View = TypeVar("View", bound=Callable[..., Any])


class Key:
    """Guards views with one key."""

    def __init__(self, key: str) -> None:
        self._expected = f"Bearer {key}".encode()

    def needed(self, view: View) -> View:
        """Decorate a view, right below its route: 401 for whoever does not send the key."""

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            sent = request.headers.get("Authorization", "").encode()
            if not hmac.compare_digest(sent, self._expected):
                headers = {"WWW-Authenticate": 'Bearer realm="outside"'}
                raise Problem(401, "Send the header Authorization: Bearer and your API key.", headers=headers)
            return view(*args, **kwargs)

        # APIFlask's own `doc` would wipe what the view's `doc` said
        guarded.__dict__.setdefault("_spec", {})["security"] = [{SCHEME: []}]
        return cast(View, guarded)
