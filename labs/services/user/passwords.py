"""Passwords, as argon2id hashes with the parameters that OWASP recommends."""

import secrets
from functools import cache
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""19 MiB and two passes: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html."""


def hashed(password: str) -> str:
    """What is stored of a password: parameters, salt and hash in one text of ASCII."""
    return HASHER.hash(_canonical(password))


def matches(stored: str | None, password: str) -> bool:
    """Is it the password? Takes as long where nothing is stored (None), so that the time does not tell who has an account."""
    try:
        return HASHER.verify(stored or nobodys(), _canonical(password))
    except VerifyMismatchError:
        return False


def outdated(stored: str) -> bool:
    """Was it made with other parameters than today's?"""
    return HASHER.check_needs_rehash(stored)


@cache
def nobodys() -> str:
    """The hash of a password that nobody knows."""
    return HASHER.hash(secrets.token_bytes(16))


def _canonical(password: str) -> bytes:
    """Keyboards differ in how they compose an é (RFC 8265, section 4.2)."""
    return normalize("NFC", password).encode()
