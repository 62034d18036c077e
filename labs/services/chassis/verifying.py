"""Is this token one of ours, and still valid? The key decides, never what the token says of itself."""

from typing import Any

import jwt

from labs.services.chassis.keys import PublicKey

ISSUER, AUDIENCE, ALGORITHM = "user-service", "shop", "EdDSA"
LEEWAY = 2.0
"""Seconds that the clocks of two hosts may differ."""


class InvalidToken(Exception):
    """It says why, in words that may go into a header."""


def claims(token: str, key: PublicKey) -> dict[str, Any]:
    """What a token says, once it is known to be true. Raises InvalidToken."""
    wrong = {
        jwt.ExpiredSignatureError: "The token has expired",
        jwt.ImmatureSignatureError: "The token is not valid yet",
        jwt.InvalidAudienceError: "The token is for somebody else",
        jwt.InvalidIssuerError: "The token comes from somebody else",
        jwt.MissingRequiredClaimError: "The token lacks a claim",
        jwt.InvalidAlgorithmError: "The token is not signed with EdDSA",
    }
    required = {"require": ["exp", "iat", "iss", "aud", "sub"]}
    expected: dict[str, Any] = {"audience": AUDIENCE, "issuer": ISSUER, "leeway": LEEWAY, "options": required}
    try:
        return jwt.decode(token, key, algorithms=[ALGORITHM], **expected)
    except jwt.PyJWTError as error:
        raise InvalidToken(wrong.get(type(error), "The token is forged or damaged")) from None
