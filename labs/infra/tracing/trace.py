"""A trace as it is shown: its spans in order, its processes, and what there is to say about it. Nothing is moved: where clocks
disagree the picture shows what the clocks said, and a warning says that they disagree."""

from collections.abc import Iterable, Sequence
from typing import Any

from labs.infra.tracing.model import Process, Span

SKEW = 1_000
"""Microseconds by which a span may begin before its parent in another process; clocks are no better than that."""


def to_json(trace_id: str, spans: Sequence[Span], cut: int = 0) -> dict[str, Any]:
    """As the query API has it. `cut` spans came after the trace was full."""
    names = _names(spans)
    by_id = {span.span_id: span for span in spans}
    ordered = sorted(spans, key=lambda span: (span.start, -span.duration))
    said = [f"{cut} more spans came than one trace may have here; they are not shown"] if cut else None
    return {
        "traceID": trace_id,
        "spans": [span.to_json(names[span.process], warnings(span, by_id)) for span in ordered],
        "processes": {name: process.to_json() for process, name in names.items()},
        "warnings": said,
    }


def warnings(span: Span, by_id: dict[str, Span]) -> Iterable[str]:
    """What a reader should know about a span in its trace."""
    if span.parent is None:
        return
    parent = by_id.get(span.parent.span_id)
    if parent is None:
        yield f"its parent {span.parent.span_id} is not here: not recorded, lost, or still on its way"
    elif parent.process != span.process and parent.start - span.start > SKEW:
        early = (parent.start - span.start) / 1000
        names = f"{parent.process.service} and {span.process.service}"
        yield f"begins {early:.1f} ms before its parent: the clocks of {names} disagree; nothing was corrected"


def _names(spans: Iterable[Span]) -> dict[Process, str]:
    """p1, p2 … for each process, in the order in which they appear."""
    names: dict[Process, str] = {}
    for span in spans:
        names.setdefault(span.process, f"p{len(names) + 1}")
    return names
