"""A line of a log as a person reads it: when, how grave, what, and the details that matter."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LONGEST = 160
"""Characters of a detail that are shown; `lab logs --sql` gives the rest."""
TOLD_ELSEWHERE = {"correlation_id", "traceparent"}


@dataclass(frozen=True)
class Entry:
    """`time` is the local time of day, empty for what is no line in Elastic Common Schema and is shown as it is."""

    message: str
    time: str = ""
    level: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    stack_trace: str = ""


def structured(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Those of the lines that are JSON objects: not every library logs so."""
    for line in lines:
        with suppress(ValueError):
            told = json.loads(line)
            if isinstance(told, dict):
                yield told


def read(line: str, at: datetime | None = None) -> Entry:
    """The line, whatever it is; with the moment `at` (UTC) instead of its own."""
    try:
        told = json.loads(line)
        when = at.replace(tzinfo=UTC) if at else datetime.fromisoformat(told["@timestamp"])
    except (ValueError, KeyError, TypeError):
        return Entry(line)
    error = _part(told, "error")
    return Entry(
        message=str(told.get("message", "")),
        time=when.astimezone().strftime("%H:%M:%S.%f")[:-3],
        level=str(told.get("log.level", "")),
        details={name: _shortened(value) for name, value in _details(told).items() if value not in ("", None)},
        stack_trace=str(error.get("stack_trace", "")),
    )


def _details(told: Mapping[str, Any]) -> dict[str, Any]:
    event, http, error = (_part(told, name) for name in ("event", "http", "error"))
    duration = event.get("duration")
    problem = ": ".join(filter(None, (error.get("type"), error.get("message"))))
    return {
        "status": _part(http, "response").get("status_code"),
        "ms": f"{duration / 1e6:.1f}" if isinstance(duration, int) else None,
        "query": _part(told, "url").get("query"),
        "in": _part(_part(http, "request"), "body").get("content"),
        "out": _part(_part(http, "response"), "body").get("content"),
        "reason": event.get("reason"),
        "error": problem,
        **{name: value for name, value in _part(told, "labels").items() if name not in TOLD_ELSEWHERE},
    }


def _part(whole: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
