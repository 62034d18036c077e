import time

import jwt

from labs.services.chassis.verifying import ALGORITHM, AUDIENCE, ISSUER
from labs.services.user.domain import TOKEN_SECONDS, permissions


def issue(signer, user):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(user.position), "iat": now, "exp": now + TOKEN_SECONDS}
    claims["permissions"] = permissions(user.roles)
    return jwt.encode(claims, signer.private, ALGORITHM, headers={"kid": signer.kid})
