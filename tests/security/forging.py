"""Tokens that look like the shop's, made from what anybody can have: a customer's own token, and the published keys."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from labs.classroom.shop import Shop
from tests.services.tokens import ADMINISTRATOR

OWN = Ed25519PrivateKey.generate()
"""The attacker's."""
Sign = Callable[[bytes], bytes]


class Real(NamedTuple):
    """What an attacker has: a customer's own token, taken apart, and the key that the shop verifies it with."""

    token: str
    claims: dict[str, Any]
    kid: str
    jwk: dict[str, str]

    @property
    def raw(self) -> bytes:
        return base64.urlsafe_b64decode(self.jwk["x"] + "=")

    def more(self, **changes: Any) -> dict[str, Any]:
        """The claims of somebody who may do everything; None takes one out."""
        wanted = self.claims | {"permissions": list(ADMINISTRATOR)} | changes
        return {name: value for name, value in wanted.items() if value is not None}


def taken_apart(shop: Shop, service: str) -> Real:
    login = {"email": f"{uuid4().hex}@example.org", "password": "correct horse"}
    assert shop.post(service, "/users", {"name": "A customer", **login}).status_code == 201
    token = shop.post(service, "/tokens", login).json()["access_token"]
    kid = jwt.get_unverified_header(token)["kid"]
    keys = shop.get(service, "/.well-known/jwks.json").json()["keys"]
    said = jwt.decode(token, options={"verify_signature": False})
    return Real(token, said, kid, next(key for key in keys if key["kid"] == kid))


def encoded(part: bytes | dict[str, Any]) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(real: Real, says: dict[str, Any], sign: Callable[[bytes], bytes] = lambda _: b"", **header: Any) -> str:
    """A token that no library would make."""
    head = {"alg": "EdDSA", "typ": "JWT", "kid": real.kid} | header
    text = f"{encoded(head)}.{encoded(says)}"
    return f"{text}.{encoded(sign(text.encode()))}"


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda text: hmac.digest(secret, text, "sha256")


def pem(real: Real) -> bytes:
    public = Ed25519PublicKey.from_public_bytes(real.raw)
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def with_claims_of_another(real: Real) -> str:
    head, _, signature = real.token.split(".")
    return f"{head}.{encoded(real.more())}.{signature}"


def own_jwk(real: Real) -> dict[str, str]:
    return real.jwk | {"x": encoded(OWN.public_key().public_bytes_raw())}


def rsa(real: Real) -> str:
    key = generate_private_key(65537, 2048)
    header = {"kid": real.kid, "jwk": json.loads(RSAAlgorithm.to_jwk(key.public_key()))}
    return jwt.encode(real.more(), key, "RS256", headers=header)


FORGED: Mapping[str, Callable[[Real], str]] = MappingProxyType(
    {
        "signed by a stranger": lambda real: by_hand(real, real.more(), OWN.sign),
        "signed by a stranger who brings the key along": lambda real: by_hand(
            real, real.more(), OWN.sign, jwk=own_jwk(real)
        ),
        "signed by a stranger with an unknown key id": lambda real: by_hand(real, real.more(), OWN.sign, kid="mine"),
        "signed by a stranger whose key id is a path": lambda real: by_hand(
            real, real.more(), OWN.sign, kid="../../dev/null"
        ),
        "signed by a stranger whose key is elsewhere": lambda real: by_hand(
            real, real.more(), OWN.sign, jku="http://127.0.0.1:1/"
        ),
        "signed with RSA": rsa,
        "other claims under a real signature": with_claims_of_another,
        "alg none": lambda real: by_hand(real, real.more(), alg="none"),
        "alg NONE": lambda real: by_hand(real, real.more(), alg="NONE"),
        "alg none under a real signature": lambda real: (
            f"{by_hand(real, real.more(), alg='none')}{real.token.split('.')[2]}"
        ),
        "no alg": lambda real: by_hand(real, real.more(), alg=None),
        "HS256 with the public key as PEM": lambda real: by_hand(real, real.more(), hs256(pem(real)), alg="HS256"),
        "HS256 with the public key as bytes": lambda real: by_hand(real, real.more(), hs256(real.raw), alg="HS256"),
        "HS256 with the public key as text": lambda real: by_hand(
            real, real.more(), hs256(real.jwk["x"].encode()), alg="HS256"
        ),
        "HS256 with nothing": lambda real: by_hand(real, real.more(), hs256(b""), alg="HS256"),
        "without its signature": lambda real: real.token.rpartition(".")[0] + ".",
        "cut short": lambda real: real.token[:-20],
        "five parts, as if encrypted": lambda real: f"{real.token}.a.b",
        "twice": lambda real: f"{real.token},{real.token}",
        "no JWT": lambda _: "letmein",
        "8,000 letters": lambda _: "a" * 8_000,
        "in Cyrillic": lambda _: "токен",
    }
)
UNKNOWN_KEY = ("signed by a stranger with an unknown key id", "signed by a stranger whose key id is a path")
"""Those that name a key which nobody has published."""
