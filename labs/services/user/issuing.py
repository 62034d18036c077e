"""What a token says: who the user is, what the user may do, for whom it is, and until when."""

import time
from uuid import uuid4

import jwt

from labs.services.chassis.verifying import ALGORITHM, AUDIENCE, ISSUER
from labs.services.user import store
from labs.services.user.domain import TOKEN_SECONDS, permissions
from labs.services.user.keys import Signer


def issue(signer: Signer, user: store.User) -> str:
    """A signed token. Whoever holds it can read it, so nothing is in it that they should not know."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user.id,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "jti": str(uuid4()),
        "permissions": permissions(user.roles),
    }
    return jwt.encode(claims, signer.private, ALGORITHM, headers={"kid": signer.kid})
