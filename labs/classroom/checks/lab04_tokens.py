"""Lab 04: what a token of the learner's user-service says."""

import time
from typing import Any
from uuid import uuid4

import jwt
import requests
from jwt import PyJWK

from labs.classroom import forging
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Verdict, passed, wrong

PASSWORD = "correct horse battery staple"
NAME = "Alice Example"
LONGEST = 3600
"""Seconds after which a token that nobody can take back should be over."""
CUSTOMER = {"orders:own", "profile:own", "notifications:own"}
UNTESTED: Any = {
    "verify_aud": False,
    "verify_iss": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_sub": False,
}
"""Where only the signature matters."""
OK = 200


def judge(lab: Lab) -> Verdict:
    """The token of somebody who has just registered."""
    email = f"{uuid4().hex[:12]}@example.org"
    answer = lab.shop.post("user-service", "/users", {"name": NAME, "email": email, "password": PASSWORD})
    user = str(answer.json()["id"])
    answer = lab.shop.post("user-service", "/tokens", {"email": email, "password": PASSWORD})
    if answer.status_code != OK:
        return wrong("raises", f"Somebody logged in and was told {answer.status_code}. `lab logs user-api` says why.")
    token = str(answer.json()["access_token"])
    try:
        head, claims = forging.read(token)
    except ValueError:
        return wrong(
            "no_token", f"What was given out is no JWT: {token[:30]!r}… It has not three parts that can be read."
        )
    return (
        _judge_seal(lab, token, head)
        or _judge_secrets(token, email)
        or _judge_claims(claims, user)
        or _judge_use(lab, token)
        or passed(
            "Signed with EdDSA by a published key; it says who, for whom, until when and what they may do; and no more."
        )
    )


def _judge_seal(lab: Lab, token: str, head: dict[str, Any]) -> Verdict | None:
    if head.get("alg") != "EdDSA":
        message = f"The token is signed with {head.get('alg')}. With a shared secret whoever can verify can also forge."
        return wrong("another_algorithm", message)
    keys = lab.shop.get("user-service", "/.well-known/jwks.json").json()["keys"]
    key = next((key for key in keys if key["kid"] == head.get("kid")), None)
    if key is None:
        message = f"The token's head names the key {head.get('kid', '(none)')}, and none of that name is published. "
        return wrong("no_kid", message + "With two keys, as after every rotation, nobody knows which one to try.")
    try:
        jwt.decode(token, PyJWK(key, "EdDSA").key, algorithms=["EdDSA"], options=UNTESTED)
    except jwt.PyJWTError:
        return wrong("forged", "The published key does not verify the token: another one has signed it.")
    return None


def _judge_secrets(token: str, email: str) -> Verdict | None:
    body = forging.decoded(token.split(".")[1]).decode()
    told = [what for what, text in (("e-mail address", email), ("name", NAME), ("password", "argon2")) if text in body]
    if told:
        message = (
            f"The token has the customer's {' and '.join(told)} in it. A token is signed, and not encrypted: it can be read in "
            "every log and every browser that it passes."
        )
        return wrong("tells_too_much", message)
    return None


def _judge_claims(claims: dict[str, Any], user: str) -> Verdict | None:
    ends = claims.get("exp")
    if not isinstance(ends, int | float) or ends > time.time() + LONGEST:
        message = "The token has no end, or one that is far away." if ends else "The token has no `exp`: it has no end."
        return wrong("eternal", f"{message} Nobody can take a token back; all that helps is that it is soon over.")
    if claims.get("sub") != user:
        message = (
            f"`sub` is {claims.get('sub', 'not there')!s:.40}, and the user's id is another. Orders would be nobody's."
        )
        return wrong("wrong_subject", message)
    if claims.get("aud") != "shop" or claims.get("iss") != "user-service":
        said = f"`iss` is {claims.get('iss', 'not there')}, `aud` is {claims.get('aud', 'not there')}."
        return wrong("no_audience", f"{said} It does not say who speaks and for whom it is meant; services refuse it.")
    if claims.get("iat") is None:
        return wrong("no_beginning", "The token does not say when it was issued (`iat`); services refuse it.")
    permissions = claims.get("permissions")
    if not isinstance(permissions, list) or not set(permissions) & CUSTOMER:
        return wrong("no_permissions", f"`permissions` is {permissions!s:.60}: this customer may not even order.")
    if more := sorted(set(permissions) - CUSTOMER):
        return wrong("everything", f"Somebody has just registered, and the token permits {', '.join(more)}.")
    return None


def _judge_use(lab: Lab, token: str) -> Verdict | None:
    answer = lab.shop.get("order-service", "/orders", headers={"Authorization": f"Bearer {token}"})
    if answer.status_code != OK:
        return wrong("refused", f"order-service does not believe the token ({answer.status_code}): {answer.text[:120]}")
    return None


def log_in(lab: Lab, email: str) -> str:
    """A fresh token of a new customer."""
    lab.shop.post("user-service", "/users", {"name": NAME, "email": email, "password": PASSWORD})
    answer = lab.shop.post("user-service", "/tokens", {"email": email, "password": PASSWORD})
    if answer.status_code != requests.codes.ok:
        raise requests.HTTPError(f"nobody can log in: {answer.status_code} {answer.text[:200]}", response=answer)
    return str(answer.json()["access_token"])
