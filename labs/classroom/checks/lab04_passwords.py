"""Lab 04: what user-service keeps of a password, and what a guess costs whoever makes it."""

import time
from collections.abc import Callable
from uuid import uuid4

import requests
from argon2 import PasswordHasher

from labs.classroom import watching
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Verdict, passed, wrong

PASSWORD = "correct horse battery staple"
TRIES = 8
"""Logins whose CPU time is measured together: the system counts it in hundredths of a second."""
PATIENT = {"FAILURES_PER_EMAIL": "100000", "FAILURES_PER_ADDRESS": "100000"}
"""A check fails to log in more often than a person."""
OK, UNAUTHORIZED = 200, 401


def judge(lab: Lab) -> Verdict:
    """Two customers with the same password, right and wrong ones, and somebody who is not there."""
    _be_patient(lab)
    first, second = (f"{uuid4().hex[:12]}@example.org" for _ in range(2))
    for email in (first, second):
        if (status := _register(lab, email)) != requests.codes.created:
            return wrong("raises", f"Somebody registered and was told {status}. `lab logs user-api` says why.")
    stored = {email: _stored(lab, email) for email in (first, second)}
    if PASSWORD in stored[first]:
        message = (
            "The table `users` has the password itself. Whoever sees it, in a backup or over a shoulder, can log in."
        )
        return wrong("plain", message)
    if stored[first] == stored[second]:
        message = (
            "Two customers chose the same password, and the same text is stored for both: who breaks one has broken both, and "
            "tables of such texts can be bought. A salt makes them differ."
        )
        return wrong("unsalted", message)
    return (
        _judge_logins(lab, first)
        or _judge_costs(lab, first)
        or passed(
            "Two equal passwords leave different traces, the right one lets in and the wrong one does not. A guess is "
            "expensive, and costs the same whether the address exists or not."
        )
    )


def _judge_logins(lab: Lab, email: str) -> Verdict | None:
    right, mistaken, nobody = _log_in(lab, email), _log_in(lab, email, "password1"), _log_in(lab, _stranger())
    if broken := [s for s in (right, mistaken, nobody) if s >= requests.codes.server_error]:
        who = "with the right password" if right in broken else "with a wrong password or an unknown address"
        message = (
            f"Somebody logged in {who} and was told {broken[0]}. A login that fails is a 401; `lab logs user-api` says what "
            "broke."
        )
        return wrong("raises", message)
    if right != OK:
        message = (
            f"A customer came back with the right password and was told {right}. The hash of today is not that of then."
        )
        return wrong(
            "refuses", message, ("customer->>user-service: POST /tokens, right", f"user-service-->>customer: {right}")
        )
    if OK in (mistaken, nobody):
        return wrong("accepts_all", "Somebody logged in with a wrong password, and got a token.")
    return None


def _judge_costs(lab: Lab, email: str) -> Verdict | None:
    """In CPU time, which a busy machine does not change much."""
    refused = _cpu(lab, lambda: _log_in(lab, "no address"))
    known = _cpu(lab, lambda: _log_in(lab, email, "password1")) - refused
    unknown = _cpu(lab, lambda: _log_in(lab, _stranger(), "password1")) - refused
    if known < _argon2() / 3:
        message = (
            "A guess costs next to nothing: whoever has the table tries millions of passwords in a second, and yours is one of "
            "the first million. A hash for passwords is slow on purpose, and takes memory."
        )
        return wrong("fast", message)
    if unknown < known / 2:
        message = (
            "An unknown address is refused much faster than a wrong password. Whoever measures that has a list of your "
            "customers. Let both take as long."
        )
        story = (
            "stranger->>user-service: POST /tokens, an address that exists",
            "user-service-->>stranger: 401, slowly",
            "stranger->>user-service: POST /tokens, one that does not",
            "user-service-->>stranger: 401, at once",
        )
        return wrong("tells_who", message, story)
    return None


def _argon2() -> float:
    """Seconds of CPU time that one guess costs with the parameters of the lab, on this machine."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    begun = time.process_time()
    for _ in range(3):
        hasher.hash(PASSWORD)
    return (time.process_time() - begun) / 3


def _cpu(lab: Lab, act: Callable[[], object]) -> float:
    begun = lab.cpu("user-api")
    for _ in range(TRIES):
        act()
    return (lab.cpu("user-api") - begun) / TRIES


def _be_patient(lab: Lab) -> None:
    if not PATIENT.items() <= lab.system.configured("user-service").items():
        lab.system.configure("user-service", **(lab.system.configured("user-service") | PATIENT))
        lab.system.restart("user-api")


def _register(lab: Lab, email: str) -> int:
    return lab.shop.post("user-service", "/users", {"name": "A", "email": email, "password": PASSWORD}).status_code


def _log_in(lab: Lab, email: str, password: str = PASSWORD) -> int:
    return lab.shop.post("user-service", "/tokens", {"email": email, "password": password}).status_code


def _stored(lab: Lab, email: str) -> str:
    (row,) = watching.rows(lab.system, "user", "SELECT password_hash FROM users WHERE email = ?", email)
    return str(row["password_hash"])


def _stranger() -> str:
    return f"{uuid4().hex[:12]}@example.org"
