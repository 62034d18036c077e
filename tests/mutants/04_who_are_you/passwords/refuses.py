from argon2 import PasswordHasher

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def outdated(stored):
    return HASHER.check_needs_rehash(stored)


def hashed(password):
    return HASHER.hash(password)


def matches(stored, password):
    return stored == hashed(password)
