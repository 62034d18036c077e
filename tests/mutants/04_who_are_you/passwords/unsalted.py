import hashlib


def outdated(_stored):
    return False


def hashed(password):
    return hashlib.scrypt(password.encode(), salt=b"the shop's salt", n=2**14, r=8, p=1).hex()


def matches(stored, password):
    return hashed(password) == stored
