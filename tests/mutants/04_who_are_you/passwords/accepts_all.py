from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODYS = HASHER.hash("nobody has this one")


def outdated(stored):
    return HASHER.check_needs_rehash(stored)


def hashed(password):
    return HASHER.hash(password)


def matches(stored, password):
    try:
        HASHER.verify(stored or NOBODYS, password)
    except VerifyMismatchError:
        return stored is not None
    return True
