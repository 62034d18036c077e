"""Three questions that a platform asks: started? alive? ready? Liveness asks nobody; readiness asks the own database only, and
ends with SIGTERM."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, jsonify

Check = Callable[[], None]
"""Raises when what it checks is not well."""
QUIET = ("/health/", "/metrics")
"""Paths that the platform asks for all the time: of no interest in a log, in a trace or in the measure of requests."""


class Leaving(Exception):
    """This process ends what it has begun, and wants nothing new."""


class Presence:
    """Of one process: it is there until it is told to leave."""

    def __init__(self) -> None:
        self._leaving = False

    def leave(self) -> None:
        """SIGTERM has come. May be called by its handler."""
        self._leaving = True

    def check(self) -> None:
        """Raises Leaving."""
        if self._leaving:
            raise Leaving("SIGTERM has come; what is under way ends, and nothing new is taken")


PRESENCE = Presence()
"""That of this process."""


def blueprint(
    ready: dict[str, Check], degraded: dict[str, Check], started: Callable[[], bool] = lambda: True
) -> Blueprint:
    """`/health/live` always answers 200; `/health/ready` 503 when a check in `ready` raises or the process leaves; a raising
    check in `degraded` is only reported; `/health/started` 503 until `started()`."""
    health = Blueprint("health", __name__, url_prefix="/health")

    @health.get("/live")
    def live() -> Any:
        return jsonify(status="pass")

    @health.get("/ready")
    def is_ready() -> Any:
        failed, warned = _failures({"presence": PRESENCE.check} | ready), _failures(degraded)
        status = "fail" if failed else "warn" if warned else "pass"
        return jsonify(status=status, checks=failed | warned), 503 if failed else 200

    @health.get("/started")
    def has_started() -> Any:
        up = started()
        return jsonify(status="pass" if up else "fail"), 200 if up else 503

    return health


def _failures(checks: dict[str, Check]) -> dict[str, str]:
    failures = {}
    for name, check in checks.items():
        try:
            check()
        except Exception as error:  # noqa: BLE001  whatever it raises is the finding
            failures[name] = f"{type(error).__name__}: {error}"
    return failures
