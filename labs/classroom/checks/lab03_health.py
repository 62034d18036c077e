"""Lab 03: what a service says of its health while its database comes and goes."""

import requests

from labs.classroom import watching
from labs.classroom.lab import Lab
from labs.classroom.outages import database_away, kill_web_workers
from labs.classroom.slips import NoAnswer, NobodyListens
from labs.classroom.verdicts import Verdict, passed, wrong

SERVICE, PROCESS = "inventory-service", "inventory-api"
PATIENCE = 15.0
"""Seconds for a process to come back after kill -9; it takes one."""


def judge(lab: Lab) -> Verdict:
    """The three questions while the database comes and goes, and after kill -9."""
    if absent := [name for name, status in _health(lab).items() if status == requests.codes.not_found]:
        return wrong("missing", f"Nobody answers at /health/{absent[0]}. There are three questions.")
    if no := [name for name, status in _health(lab).items() if status != requests.codes.ok]:
        return wrong(
            "unwell", f"All is well, and /health/{no[0]} says {_health(lab)[no[0]]}. Nobody would be sent here."
        )
    with database_away(lab.system, "inventory"):
        if failed := _judge_away(_health(lab)):
            return failed
    if (status := _health(lab)["ready"]) != requests.codes.ok:
        message = f"The database is back, and ready still says {status}. It was asked once, and the answer was kept."
        return wrong("ready_sticks", message, _platform("database away", "ready: no", "database back", "ready: no"))
    return _restarted(lab) or passed(
        "Without a database: alive, not ready. With it again: ready. After kill -9 without a database: not started, until it "
        "came back."
    )


def _judge_away(seen: dict[str, int]) -> Verdict | None:
    if seen["live"] != requests.codes.ok:
        message = (
            f"The database is away, and live says {seen['live']}: the platform kills a process that is well, and the next one, "
            "and the next, until the database is back. No restart brings it back."
        )
        return wrong("live_asks", message, _platform("database away", "live: no", "kill, start another", "live: no"))
    if seen["ready"] == requests.codes.ok:
        message = "The database is away, and ready says yes: customers are sent here, and each of them gets a 500."
        return wrong("ready_lies", message, _platform("database away", "ready: yes", "GET /prices", "500"))
    if seen["ready"] != requests.codes.service_unavailable:
        message = f"The database is away, and ready says {seen['ready']} instead of 503: it crashed while it looked."
        return wrong("raises", message)
    if seen["started"] != requests.codes.ok:
        message = (
            f"It has started long ago, the database is away, and started says {seen['started']}. That is for ready."
        )
        return wrong("started_falls", f"{message} Who is not started is not asked anything else.")
    return None


def _restarted(lab: Lab) -> Verdict | None:
    """kill -9 while the database is away: what started says then, and afterwards."""
    with database_away(lab.system, "inventory"):
        kill_web_workers(lab.system, PROCESS)
        early = watching.until(lambda: _started(lab), PATIENCE)
    late = watching.until(lambda: _started(lab) == requests.codes.ok, PATIENCE)
    with database_away(lab.system, "inventory"):
        again = _started(lab)
    if early == requests.codes.ok:
        message = (
            "The process was killed and started again while its database was away. It has never been ready, and started says "
            "yes."
        )
        return wrong("started_lies", message, _platform("kill -9, database away", "started: yes", "ready?", "no"))
    if not late:
        message = "The database is back after a restart, and started never says yes. Nobody asks ready yet: who looks?"
        return wrong("started_sticks", message)
    if again != requests.codes.ok:
        return wrong("started_falls", f"It was started, the database went away, and started says {again}.")
    return None


def _health(lab: Lab) -> dict[str, int]:
    return {name: lab.shop.get(SERVICE, f"/health/{name}").status_code for name in ("started", "live", "ready")}


def _started(lab: Lab) -> int:
    """0 while nobody answers."""
    try:
        return lab.shop.get(SERVICE, "/health/started").status_code
    except (NobodyListens, NoAnswer):
        return 0


def _platform(first: str, told: str, then: str, at_last: str) -> tuple[str, ...]:
    return (
        f"Note over inventory-service: {first}",
        f"inventory-service-->>platform: {told}",
        f"Note over platform: {then}",
        f"inventory-service-->>platform: {at_last}",
    )
