"""Who works because of whom: the services and the calls between them, as the traces of a while say. An event counts as a call
of whoever told it."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from labs.classroom import spans
from labs.classroom.spans import Trace

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types

COLUMNS = ("caller", "called", "by", "calls", "rate", "errors")
"""Of a table of edges: `by` is event, request, or call where the span does not say; `rate` in calls per second, `errors` a
count."""
BY = {"consumer": "event", "server": "request"}


def edges(traces: Iterable[Trace]) -> "DataFrame":
    """One row for each pair of services and way, the most used first. The rate is over the time from first span to last."""
    from pandas import DataFrame  # half a second that only a lab with traces should pay

    counts: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    begins: list[int] = []
    for trace in traces:
        begins += [span["startTime"] for span in trace["spans"]]
        rows = spans.rows(trace)
        services: dict[str, str] = {row["span"]: row["service"] for row in rows}
        for row in rows:
            caller = str(services.get(row["parent"], row["service"]))
            if caller != row["service"]:
                count = counts[caller, str(row["service"]), BY.get(row["kind"], "call")]
                count[0] += 1
                count[1] += row["failed"]
    seconds = max(1.0, (max(begins) - min(begins)) / 1e6) if begins else 1.0
    found = [(*key, calls, calls / seconds, errors) for key, (calls, errors) in counts.items()]
    return DataFrame(sorted(found, key=lambda row: (-row[3], row)), columns=list(COLUMNS))
