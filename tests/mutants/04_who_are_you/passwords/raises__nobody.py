from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def outdated(stored):
    return HASHER.check_needs_rehash(stored)


def hashed(password):
    return HASHER.hash(password)


def matches(stored, password):
    try:
        return HASHER.verify(stored, password)
    except VerifyMismatchError:
        return False
