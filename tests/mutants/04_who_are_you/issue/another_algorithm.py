import time

import jwt

from labs.services.chassis.verifying import AUDIENCE, ISSUER
from labs.services.user.domain import TOKEN_SECONDS, permissions


def issue(signer, user):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user.id, "iat": now, "exp": now + TOKEN_SECONDS}
    claims["permissions"] = permissions(user.roles)
    return jwt.encode(claims, signer.private.private_bytes_raw(), "HS256", headers={"kid": signer.kid})
