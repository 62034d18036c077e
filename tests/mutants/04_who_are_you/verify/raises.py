import jwt

ISSUER, AUDIENCE, ALGORITHM = "user-service", "shop", "EdDSA"
LEEWAY = 2.0
NEEDED = ["exp", "iat", "iss", "aud", "sub"]


class InvalidToken(Exception):
    pass


def claims(token, key):
    expected = {"audience": AUDIENCE, "issuer": ISSUER, "leeway": LEEWAY, "options": {"require": NEEDED}}
    return jwt.decode(token, key, algorithms=[ALGORITHM], **expected)
