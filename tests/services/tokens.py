"""Tokens for tests: signed as user-service signs them, with a key that only the tests have."""

import json
import time
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from labs.services.chassis.auth import StaticKeys
from labs.services.chassis.verifying import ALGORITHM, AUDIENCE, ISSUER

KID = "of-the-tests"
PRIVATE_KEY = Ed25519PrivateKey.generate()
CUSTOMER = ("orders:own", "profile:own", "notifications:own")
CLERK = (*CUSTOMER, "orders:all", "stock:write", "catalogue:write", "notifications:all")
ADMINISTRATOR = (*CLERK, "users:all", "keys:rotate", "settlements:run", "reports:read")


def jwks(**private_keys: Ed25519PrivateKey) -> dict[str, Any]:
    """The JWKS document of these keys by id, with `_` for `-`."""
    public = {kid.replace("_", "-"): key.public_key() for kid, key in private_keys.items()}
    known = {kid: json.loads(OKPAlgorithm.to_jwk(key)) for kid, key in public.items()}
    return {"keys": [{**jwk, "kid": kid, "use": "sig", "alg": ALGORITHM} for kid, jwk in known.items()]}


KEYS = StaticKeys(jwks(of_the_tests=PRIVATE_KEY))


def claims(sub: str = "customer-1", permissions: Iterable[str] = CUSTOMER, **changes: Any) -> dict[str, Any]:
    """What a token says; a change to None takes the claim out."""
    now = int(time.time())
    says = {"iss": ISSUER, "aud": AUDIENCE, "sub": sub, "iat": now, "exp": now + 900, "jti": str(uuid4())}
    return {k: v for k, v in (says | {"permissions": list(permissions)} | changes).items() if v is not None}


def token(sub: str = "customer-1", permissions: Iterable[str] = CUSTOMER, **changes: Any) -> str:
    """A valid token, unless the changed claims make it another."""
    return jwt.encode(claims(sub, permissions, **changes), PRIVATE_KEY, ALGORITHM, headers={"kid": KID})


def bearer(sub: str = "customer-1", permissions: Iterable[str] = CUSTOMER, **changes: Any) -> dict[str, str]:
    """The header that carries such a token."""
    return {"Authorization": f"Bearer {token(sub, permissions, **changes)}"}
