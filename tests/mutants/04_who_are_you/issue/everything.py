import time

import jwt

from labs.services.chassis.verifying import ALGORITHM, AUDIENCE, ISSUER
from labs.services.user.domain import TOKEN_SECONDS, Role, permissions


def issue(signer, user):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user.id, "iat": now, "exp": now + TOKEN_SECONDS}
    claims["permissions"] = permissions(Role)
    return jwt.encode(claims, signer.private, ALGORITHM, headers={"kid": signer.kid})
