"""Tokens: given to whoever knows a password, for 15 minutes, and verified by the other services without asking here."""

import math

from labs.services.chassis import metrics
from labs.services.chassis.database import Database
from labs.services.user import passwords, store
from labs.services.user.domain import normalised
from labs.services.user.failures import Attempt, Limits
from labs.services.user.issuing import issue
from labs.services.user.keys import KeyRing

LOGINS = metrics.counter("logins_total", "Attempts to log in, by what became of them", ("outcome",))


class Refused(Exception):
    """Unknown address or wrong password; nobody is told which."""


class TooOften(Exception):
    """Too many attempts failed; `seconds` until the next one."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = math.ceil(seconds)


def log_in(db: Database, keys: KeyRing, limits: Limits, email: str, password: str, address: str) -> str:
    """A token for the user with this address and password. `address` is where the attempt comes from. Raises Refused,
    TooOften. Attempts at once all look at the password, which takes long, and learn the outcome one after the other."""
    attempt = Attempt(normalised(email), address, limits)
    with db.reading() as session:
        if seconds := attempt.wait(session):
            LOGINS.labels("too_often").inc()
            raise TooOften(seconds)
        user = store.by_email(session, attempt.email)
    right = passwords.matches(user.password_hash if user else None, password)
    anew = passwords.hashed(password) if user and right and passwords.outdated(user.password_hash) else ""
    with db.transaction() as tx:
        too_early = attempt.succeed(tx) if right else attempt.fail(tx)
        if user and anew and not too_early:
            store.rehash(tx, user, anew)
    LOGINS.labels("too_often" if too_early else "in" if user and right else "refused").inc()
    if too_early:
        raise TooOften(too_early)
    if not user or not right:
        raise Refused
    return issue(keys.signer(), user)
