import hashlib
import secrets


def outdated(_stored):
    return False


def hashed(password, salt=None):
    salt = salt or secrets.token_hex(8)
    return f"{salt}:{hashlib.sha256((salt + password).encode()).hexdigest()}"


def matches(stored, password):
    return stored is not None and hashed(password, stored.partition(":")[0]) == stored
