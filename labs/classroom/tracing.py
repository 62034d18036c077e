"""`lab.trace(order)`, `lab.map()`, `lab.spans(…)`: what the traces of a system say, as a picture and as plain data."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labs.classroom import dependencies, pictures, spans
from labs.classroom.figures import show
from labs.classroom.slips import Slip
from labs.classroom.spans import Query, Row, Trace
from labs.classroom.watching import until
from labs.services.chassis.exporter import EVERY

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types

PATIENCE = 30.0
"""Seconds after which what has not come does not come."""
LATE = 4
"""So many times as long for a span whose parent is missing still: not everybody hands over as often as our services."""


def complete(query: Query, key: str, having: str, within: float = PATIENCE) -> list[Trace]:
    """All traces about an order, a correlation id or a trace id, once there is a span whose name begins with `having` and
    nothing new has come for twice the time after which a process hands over what it has; longer where a parent is missing.
    Raises Slip."""

    def there(found: list[Trace]) -> bool:
        return any(row["operation"].startswith(having) for trace in found for row in spans.rows(trace))

    if found := _settled(lambda: spans.about(query, key), there, within):
        return found
    raise Slip(
        f"There is no trace about {key!r}"
        + (f" with a span {having!r}" if having else "")
        + f" after {within:g} s. Was it "
        "made after `lab.up` with tracing in it? Was it sampled?"
    )


def draw(trace: Trace, finding: str) -> "DataFrame":
    """Show one trace as a waterfall; returns its spans."""
    table = spans.table([trace])
    services = sorted(set(table["service"]))
    first = f"{table['operation'][0]} of {table['service'][0]}"
    alt = (
        f"Waterfall of the trace that begins with {first}: one bar for each span, below the span that caused it, in "
        f"{', '.join(services)}. The same as text is below the picture."
    )
    show(
        pictures.waterfall(table),
        alt,
        finding or f"One story, told by {len(services)} services.",
        pictures.in_words(table),
    )
    return table


def map_of(query: Query, seconds: float, finding: str) -> "DataFrame":
    """Show who called whom in the last `seconds`; returns the edges. Raises Slip if there is nothing."""
    start = int((time.time() - seconds) * 1e6)
    traces = {t["traceID"]: t for service in query.services() for t in query.traces(service, start=start)}
    edges = dependencies.edges(traces.values())
    if edges.empty:
        raise Slip(f"No service has called another one in the last {seconds:g} s. Place an order first.")
    pairs = sorted({(row["caller"], row["called"]) for row in edges.to_dict("records")})
    words = ", ".join(f"{caller} to {called}" for caller, called in pairs)
    alt = f"Map of the services, with an arrow from each caller to the called: {words}. The same as text is below the picture."
    show(
        pictures.dependencies(edges),
        alt,
        finding or "Solid arrows are requests, dashed ones events.",
        edges.to_string(index=False),
    )
    return edges


def search(query: Query, service: str, least: int = 0, **wanted: Any) -> "DataFrame":
    """The spans of all traces in which a service has such a span; with `least`, once there are so many of them, all complete.
    Raises Slip if they do not come."""
    if not least:
        return spans.table(query.traces(service, **wanted))
    if found := _settled(lambda: query.traces(service, **wanted), lambda found: len(found) >= least, PATIENCE):
        return spans.table(found)
    raise Slip(f"There are no {least} traces with such a span of {service} after {PATIENCE:g} s.")


def _settled(look: Callable[[], list[Trace]], enough: Callable[[list[Trace]], bool], within: float) -> list[Trace]:
    """What `look` sees once it is enough and nothing new came for long enough; nothing if it never is."""
    seen, since = "", time.monotonic()

    def settled() -> list[Trace] | None:
        nonlocal seen, since
        found = look()
        rows = [row for trace in found for row in spans.rows(trace)]
        now = f"{len(rows)} {sum(map(len, (row['warnings'] for row in rows)))}"
        if now != seen:
            seen, since = now, time.monotonic()
        quiet = 2 * EVERY * (LATE if _orphaned(rows) else 1)
        return found if enough(found) and time.monotonic() - since > quiet else None

    return list(until(settled, within) or [])


def _orphaned(rows: list[Row]) -> bool:
    there = {row["span"] for row in rows}
    return any(row["parent"] and row["parent"] not in there for row in rows)
