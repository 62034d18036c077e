"""Tokens that should not be believed: made from what anybody can have, a customer's own token and the published key, or signed
by the shop itself about something else."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from labs.classroom.shop import Shop
from labs.infra.system import System
from labs.services.chassis.database import Database
from labs.services.user.keys import KeyRing

Claims = Mapping[str, Any]
Sign = Callable[[bytes], bytes]
POWER = ["orders:own", "orders:all", "stock:write", "catalogue:write", "users:all", "keys:rotate"]
"""What a forger writes into a token."""
LONG_AGO = 1000
"""Seconds."""


def encoded(part: bytes | Claims) -> str:
    """As the parts of a token are."""
    data = part if isinstance(part, bytes) else json.dumps(dict(part)).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    """What a part of a token says."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Head and claims of a token, whether they are true or not."""
    head, claims, _ = token.split(".")
    return json.loads(decoded(head)), json.loads(decoded(claims))


def written(head: Claims, claims: bytes | Claims, sign: Sign = lambda _: b"") -> str:
    """A token that says so. Without `sign` nobody has signed it."""
    text = f"{encoded(head)}.{encoded(claims)}"
    return f"{text}.{encoded(sign(text.encode()))}"


class Mint:
    """Signs with the private key of a running shop, which user-service alone has. A lab must be able to send what the shop
    would never say."""

    def __init__(self, system: System) -> None:
        database = Database(system.database_url("user"))
        try:
            signer = KeyRing(database, system.variables["SECRET_KEYS"], 0.0).signer()
        finally:
            database.engine.dispose()
        self._kid, self._sign = signer.kid, signer.private.sign

    def token(self, claims: Claims, **changes: Any) -> str:
        """A signed token with these claims; a change to None takes one out."""
        wanted = {name: value for name, value in (dict(claims) | changes).items() if value is not None}
        return written({"alg": "EdDSA", "typ": "JWT", "kid": self._kid}, wanted, self._sign)


@dataclass(frozen=True)
class Forgery:
    """A token that is to be refused; `mistake` is made by whoever lets it in."""

    what: str
    mistake: str
    token: str


def forgeries(shop: Shop, system: System, token: str) -> list[Forgery]:
    """Made from the valid token of a customer: all that it needs is public, but for those that the shop has signed."""
    head, claims = read(token)
    more = claims | {"permissions": POWER}
    public = _published(shop, head["kid"])
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    raw = public.public_bytes_raw()
    mint, stranger, now = Mint(system), Ed25519PrivateKey.generate(), int(time.time())
    return [
        Forgery("other claims under a real signature", "forged", _swapped(token, more)),
        Forgery("signed by a stranger", "forged", written(head, more, stranger.sign)),
        Forgery("alg: none", "unsigned", written(head | {"alg": "none"}, more)),
        Forgery("alg: None", "unsigned", written(head | {"alg": "None"}, more)),
        Forgery("no signature at all", "forged", written(head, more)),
        Forgery("HS256 with the public key", "confused", written(head | {"alg": "HS256"}, more, hs256(raw))),
        Forgery("HS256 with the public key as PEM", "confused", written(head | {"alg": "HS256"}, more, hs256(pem))),
        Forgery("expired", "eternal", mint.token(claims, iat=now - 2 * LONG_AGO, exp=now - LONG_AGO)),
        Forgery("for another audience", "for_others", mint.token(claims, aud="newsletter")),
        Forgery("from another issuer", "from_others", mint.token(claims, iss="another-shop")),
        Forgery("without an end", "eternal", mint.token(claims, exp=None)),
        Forgery("about nobody", "about_nobody", mint.token(claims, sub=None)),
        Forgery("no JSON inside", "forged", written(head, b"let me in", stranger.sign)),
    ]


def hs256(secret: bytes) -> Sign:
    """Signs as two do who share a secret."""
    return lambda text: hmac.digest(secret, text, "sha256")


def _swapped(token: str, claims: Claims) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{encoded(claims)}.{signature}"


def _published(shop: Shop, kid: str) -> Ed25519PublicKey:
    keys = shop.get("user-service", "/.well-known/jwks.json").json()["keys"]
    return Ed25519PublicKey.from_public_bytes(decoded(next(key["x"] for key in keys if key["kid"] == kid)))
