"""Who asks, and may they? Tokens (JWT, EdDSA) are verified here, in the service that is asked; no other service is."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

import jwt
from flask import g, request

from labs.services.chassis import verifying
from labs.services.chassis.keys import Keys, KeysAway, PublicKey, RemoteKeys, StaticKeys
from labs.services.chassis.openapi import SCHEME
from labs.services.chassis.problems import Problem
from labs.services.chassis.verifying import AUDIENCE, LEEWAY, InvalidToken

__all__ = ["Auth", "Caller", "InvalidToken", "Keys", "KeysAway", "PublicKey", "RemoteKeys", "StaticKeys"]

REMEMBERED = 2048
"""Verified tokens that are not verified again, about 500 bytes each."""
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Caller:
    """Whoever sent a valid token: the user's id, and what the user may do."""

    id: str
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Does the token grant it?"""
        return permission in self.permissions


class Auth:
    """Guards views with tokens that `keys` verify."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        self._lock = threading.Lock()

    def needs(self, *permissions: str) -> Callable[[View], View]:
        """Decorate a view, right below its route, so that nothing of the request is read before: 401 without a valid token,
        403 without any one of `permissions` (none named: a valid token is enough)."""

        def decorate(view: View) -> View:
            @wraps(view)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                g.caller = caller = self._identify(request.headers.get("Authorization", ""))
                if permissions and caller.permissions.isdisjoint(permissions):
                    raise _refusal(permissions)
                return view(*args, **kwargs)

            described = guarded.__dict__.setdefault(
                "_spec", {}
            )  # APIFlask's own `doc` would wipe what the view's `doc` said
            described["security"] = [{SCHEME: [each]} for each in permissions] or [{SCHEME: []}]
            return cast(View, guarded)

        return decorate

    def caller(self) -> Caller:
        """Whoever asks, inside a view that `needs` guards."""
        return cast(Caller, g.caller)

    def verify(self, token: str) -> Caller:
        """The caller whom a valid token names. Raises InvalidToken, KeysAway."""
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            if known := self._verified.get(digest):
                self._verified.move_to_end(digest)
        if known and known.expires > time.time() and self._keys.find(known.kid) is known.key:
            return known.caller
        verified = self._verify(token)
        with self._lock:
            self._verified[digest] = verified
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        return verified.caller

    def _verify(self, token: str) -> "_Verified":
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError:
            raise InvalidToken("The token is not a JWT") from None
        key = self._keys.find(kid) if isinstance(kid, str) else None
        if not isinstance(kid, str) or key is None:
            raise InvalidToken("The token names no key of ours")
        claims = verifying.claims(token, key)
        permissions = claims.get("permissions")
        if not isinstance(permissions, list) or not all(isinstance(each, str) for each in permissions):
            raise InvalidToken("The permissions of the token are no list of texts")
        return _Verified(Caller(claims["sub"], frozenset(permissions)), claims["exp"] + LEEWAY, kid, key)

    def _identify(self, authorization: str) -> Caller:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            detail = "Send the header Authorization: Bearer and a token; POST /tokens of user-service gives one."
            raise Problem(401, detail, headers=_challenge())
        try:
            return self.verify(token.strip())
        except InvalidToken as error:
            headers = _challenge(error="invalid_token", error_description=str(error))
            raise Problem(401, f"{error}. POST /tokens of user-service gives a new one.", headers=headers) from None
        except KeysAway as error:
            detail = f"The token cannot be verified now: {error}. Try again."
            raise Problem(503, detail, headers={"Retry-After": str(error.seconds)}) from None


@dataclass(frozen=True)
class _Verified:
    """A token that need not be verified again until `expires`, as long as its key is still the one of that id."""

    caller: Caller
    expires: float
    kid: str
    key: PublicKey


def _refusal(permissions: tuple[str, ...]) -> Problem:
    headers = _challenge(error="insufficient_scope", scope=" ".join(permissions))
    return Problem(403, f"Your token does not permit this; it needs {' or '.join(permissions)}.", headers=headers)


def _challenge(**parameters: str) -> dict[str, str]:
    """The header WWW-Authenticate of RFC 6750, section 3."""
    return {
        "WWW-Authenticate": "Bearer " + ", ".join(f'{k}="{v}"' for k, v in {"realm": AUDIENCE, **parameters}.items())
    }
