"""Asks a collector of traces, Jaeger or the lab's own, by the query API that both have; what it knows, as plain data."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import requests

from labs.classroom.slips import NobodyListens
from labs.infra.collecting import QUERY, TRACING

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types

    from labs.infra.system import System

COLUMNS = (
    "service",
    "operation",
    "kind",
    "begins",
    "lasts",
    "failed",
    "depth",
    "trace",
    "span",
    "parent",
    "tags",
    "warnings",
)
"""Of a table of spans: `begins` is in milliseconds after the trace, `lasts` in milliseconds, `depth` 0 for the first."""
MOST = 1500
Trace = dict[str, Any]
Row = dict[str, Any]


class Query:
    """The collector of the system at `where`. Errors: NobodyListens, and those of requests."""

    def __init__(self, where: "System") -> None:
        self._where = where

    def services(self) -> list[str]:
        """Who has recorded something."""
        return sorted(self._ask("/api/services") or [])

    def traces(self, service: str, *, limit: int = MOST, **wanted: Any) -> list[Trace]:
        """Those in which a service has a span such as it is `wanted`: operation, tags, minDuration, maxDuration, start, end."""
        tags = {key: _text(value) for key, value in (wanted.pop("tags", None) or {}).items()}
        asked = {"service": service, "limit": limit, **{k: v for k, v in wanted.items() if v}}
        return list(
            self._ask("/api/traces", **asked, **({"tag": [f"{k}:{v}" for k, v in tags.items()]} if tags else {})) or []
        )

    def trace(self, trace_id: str) -> Trace | None:
        """One trace, if it is there."""
        found = self._ask(f"/api/traces/{trace_id}")
        return found[0] if found else None

    def _ask(self, path: str, **parameters: Any) -> Any:
        with requests.Session() as http:
            http.trust_env = False  # a proxy has no business on the loopback
            try:
                answer = http.get(f"http://{self._where.address(TRACING, QUERY)}{path}", params=parameters, timeout=10)
            except requests.ConnectionError:
                raise NobodyListens('Nobody collects traces. Start it first: `lab.up("tracing", …)`.') from None
        if answer.status_code == requests.codes.not_found:
            return None
        if not answer.ok:
            said = (answer.json().get("errors") or [{}])[0].get("msg", answer.reason)
            raise requests.HTTPError(f"{answer.status_code}: {said}", response=answer)
        return answer.json()["data"]


def about(query: Query, key: str) -> list[Trace]:
    """Every trace that is about an order's id or a correlation id, or has this id itself; the earliest first."""
    if len(key) in (16, 32) and set(key) <= set("0123456789abcdef") and (found := query.trace(key)):
        return [found]
    traces: dict[str, Trace] = {}
    for tag in ("order.id", "messaging.message.conversation_id"):
        for service in query.services():
            traces |= {trace["traceID"]: trace for trace in query.traces(service, tags={tag: key})}
        if traces:
            break
    return sorted(traces.values(), key=lambda trace: min(span["startTime"] for span in trace["spans"]))


def rows(trace: Trace) -> list[Row]:
    """The spans of a trace, each below the one because of which it is."""
    spans = {span["spanID"]: span for span in sorted(trace["spans"], key=lambda span: span["startTime"])}
    began = min((span["startTime"] for span in spans.values()), default=0)
    below: dict[str, list[str]] = {}
    for span_id, span in spans.items():
        above = parent(span)
        below.setdefault(above if above in spans and above != span_id else "", []).append(span_id)
    found: list[Row] = []
    todo = [(span_id, 0) for span_id in reversed(below.get("", []))]
    while todo:
        span_id, depth = todo.pop()
        found.append(_row(trace, spans[span_id], began, depth))
        todo += [(child, depth + 1) for child in reversed(below.pop(span_id, []))]
    return found


def table(traces: Iterable[Trace]) -> "DataFrame":
    """All spans of these traces, with COLUMNS."""
    from pandas import DataFrame  # half a second that only a lab with traces should pay

    return DataFrame([row for trace in traces for row in rows(trace)], columns=list(COLUMNS))


def parent(span: Mapping[str, Any]) -> str:
    """The id of the span that it is a child of, or follows; empty for the first."""
    own = [each for each in span["references"] if each["traceID"] == span["traceID"]]
    return str(next((each["spanID"] for each in own if each["refType"] == "CHILD_OF"), own[0]["spanID"] if own else ""))


def _row(trace: Trace, span: Mapping[str, Any], began: int, depth: int) -> Row:
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    return {
        "service": trace["processes"][span["processID"]]["serviceName"],
        "operation": span["operationName"],
        "kind": tags.get("span.kind", ""),
        "begins": (span["startTime"] - began) / 1000,
        "lasts": span["duration"] / 1000,
        "failed": str(tags.get("error", False)).lower() == "true",
        "depth": depth,
        "trace": trace["traceID"].zfill(32),  # Jaeger leaves out the zeros of a 64-bit id
        "span": span["spanID"],
        "parent": parent(span),
        "tags": tags,
        "warnings": span["warnings"] or [],
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
