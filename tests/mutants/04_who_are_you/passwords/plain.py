def outdated(_stored):
    return False


def hashed(password):
    return password


def matches(stored, password):
    return stored == password
