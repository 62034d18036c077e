"""The keys that sign tokens. The private ones leave the database only to sign, and lie there encrypted.

A new key is published at once and signs a little later. Verifiers that meet an unknown key fetch the set anew, but not twice
within some seconds: so whichever set they fetched last has the new key before they meet it, and no valid token is refused.
An old key stays published until the last token that it signed has ended."""

import base64
import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from labs.services.chassis import logs
from labs.services.chassis.database import Database
from labs.services.user import store

NONCE = 12
"""Bytes; AES-GCM's own size."""
KID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
log = logs.get(__name__)


class WrongSecret(Exception):
    """KEY_SECRET is not the one that the private keys were encrypted with."""


@dataclass(frozen=True)
class Signer:
    """The key that signs now."""

    kid: str
    private: Ed25519PrivateKey


class KeyRing:
    """The keys of this service in its database, shared by all its processes. `lead`: seconds that a new key is published
    before it signs."""

    def __init__(self, db: Database, secret: str, lead: float) -> None:
        self._db, self._lead = db, lead
        self._cipher = AESGCM(HKDF(SHA256(), 32, salt=None, info=b"private keys").derive(secret.encode()))
        self._public: dict[str, Ed25519PublicKey] = {}

    def prepare(self) -> None:
        """Make the first key, unless there is one: of processes that start together one makes it. Raises WrongSecret."""
        with self._db.transaction() as tx:
            if not store.keys(tx) and store.add_key(tx, self._new(1, 0.0)):
                log.info("first key made")
        with self._db.reading() as session:
            for key in store.keys(session):
                self._decrypted(key)

    def rotate(self) -> store.Key:
        """A new key, which signs from its moment on."""
        while True:
            with self._db.transaction() as tx:
                key = self._new(store.keys(tx)[0].number + 1, time.time() + self._lead)
                if store.add_key(tx, key):  # else another process was faster, and its key comes before ours
                    log.info("key rotated", kid=key.kid)
                    return key

    def signer(self) -> Signer:
        """The key to sign with."""
        now = time.time()
        with self._db.reading() as session:
            key = next(key for key in store.keys(session) if key.signs_from <= now)
        return Signer(key.kid, self._decrypted(key))

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """The published key of this id, the same object each time."""
        if not KID.fullmatch(kid):
            return None
        with self._db.reading() as session:
            key = store.key(session, kid)
        if key is None:
            return None
        return self._public.setdefault(kid, Ed25519PublicKey.from_public_bytes(_decoded(key.public)))

    def jwks(self) -> dict[str, Any]:
        """What verifiers fetch (RFC 7517, RFC 8037)."""
        with self._db.reading() as session:
            known = store.keys(session)
        return {"keys": [_jwk(key.public) | {"kid": key.kid, "use": "sig", "alg": "EdDSA"} for key in known]}

    def _new(self, number: int, signs_from: float) -> store.Key:
        private = Ed25519PrivateKey.generate()
        public = _encoded(private.public_key().public_bytes_raw())
        thumbprint = json.dumps(_jwk(public), sort_keys=True, separators=(",", ":")).encode()  # RFC 7638
        kid = _encoded(hashlib.sha256(thumbprint).digest())
        nonce = secrets.token_bytes(NONCE)
        hidden = nonce + self._cipher.encrypt(nonce, private.private_bytes_raw(), kid.encode())
        return store.Key(number=number, kid=kid, public=public, private=_encoded(hidden), signs_from=signs_from)

    def _decrypted(self, key: store.Key) -> Ed25519PrivateKey:
        hidden = _decoded(key.private)
        try:
            plain = self._cipher.decrypt(hidden[:NONCE], hidden[NONCE:], key.kid.encode())
        except InvalidTag:
            raise WrongSecret(
                f"KEY_SECRET does not open the private key {key.kid} in the database: the key was made with another one. "
                "Start with that one; or, if it is lost, delete the rows of the table `keys`, and everybody logs in again."
            ) from None
        return Ed25519PrivateKey.from_private_bytes(plain)


def _jwk(public: str) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": public}


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
