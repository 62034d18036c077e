from argon2 import PasswordHasher

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODYS = HASHER.hash("nobody has this one")


def outdated(stored):
    return HASHER.check_needs_rehash(stored)


def hashed(password):
    return HASHER.hash(password)


def matches(stored, password):
    return HASHER.verify(stored or NOBODYS, password) and stored is not None
