"""Lab 03: whether an answer to a mistake is a problem of RFC 9457."""

import json
from dataclasses import dataclass
from typing import Any

import requests

from labs.classroom.verdicts import Verdict, wrong

PROBLEM = "application/problem+json"
MEMBERS = ("type", "title", "status", "detail")
INNER = ("Traceback", "unable to open", "sqlite3", "OperationalError")
"""What a crash says that is nobody's business."""


@dataclass(frozen=True)
class Seen:
    """An answer: its status, the kind of its body, its text, and what that says if it is a JSON object."""

    status: int
    kind: str
    text: str
    told: dict[str, Any]

    @staticmethod
    def of(answer: requests.Response) -> "Seen":
        """Of whatever came."""
        try:
            told = json.loads(answer.text)
        except ValueError:
            told = None
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        return Seen(answer.status_code, kind, answer.text, told if isinstance(told, dict) else {})


def about_mistake(seen: Seen, what: str, expected: int) -> Verdict | None:
    """None if the answer to somebody's mistake is as it should be."""
    if seen.status >= requests.codes.server_error and expected < requests.codes.server_error:
        message = (
            f"The service was asked for {what} and answered {seen.status}: 'I am broken'. It is not; {expected} it is."
        )
        return wrong("all_500", message, _story(what, f"{seen.status}, and the caller tries again and again"))
    if seen.status == requests.codes.ok:
        message = (
            f"The service was asked for {what} and answered 200, with an error inside. Who looks at the status goes on."
        )
        return wrong("another_status", message, _story(what, "200"))
    return _form(seen, what, expected)


def about_crash(seen: Seen, logged: bool) -> Verdict | None:
    """None if the answer to a crash is as it should be, and the log has the traceback."""
    if any(word in seen.text for word in INNER):
        message = (
            f"Without its database the service crashed, and told the caller: {seen.text[:120]!r}. Who repairs it needs that, "
            "strangers do not."
        )
        return wrong("leaks", message, _story("GET /stock/tea, database away", "500, with its inner life"))
    if failed := _form(seen, "something while its database is away", requests.codes.server_error):
        return failed
    if not logged:
        message = (
            "Without its database the service crashed and answered 500, and its log has no traceback. Nobody will ever know "
            "why. Flask leaves it to whoever handles `Exception`."
        )
        return wrong("silent", message)
    return None


def _form(seen: Seen, what: str, expected: int) -> Verdict | None:
    if "json" not in seen.kind:
        message = f"The service was asked for {what} and answered with {seen.kind or 'nothing'}: a page for people."
        return wrong("page", message, _story(what, f"{seen.status}, {seen.kind}"))
    if missing := [member for member in MEMBERS if not seen.told.get(member)]:
        message = f"The service was asked for {what}; its answer lacks {', '.join(missing)}."
        return wrong("incomplete", f"{message} RFC 9457 has {', '.join(MEMBERS)}.")
    if seen.kind != PROBLEM:
        message = (
            f"The answer has all that a problem has, and says that it is {seen.kind}. By {PROBLEM} a program knows it."
        )
        return wrong("media_type", message)
    if seen.told["status"] != seen.status or seen.status != expected:
        message = f"For {what} HTTP says {seen.status}, the body {seen.told['status']}; {expected} it is."
        return wrong("another_status", message)
    return None


def _story(what: str, answer: str) -> tuple[str, ...]:
    return (f"caller->>inventory-service: {what}", f"inventory-service-->>caller: {answer}")
