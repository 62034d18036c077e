"""Traces in memory, as many as fit: the one that has not grown for the longest time goes first."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from labs.infra.tracing.model import Span
from labs.services.chassis import metrics

MEMORY = 96 * 2**20
"""Bytes that all spans together may take, by their own estimate."""
LARGEST_SPAN, LARGEST_TRACE = 2**18, 8 * 2**20
"""Bytes of one span, and of one trace."""
DROPPED = metrics.counter("tracing_spans_dropped_total", "Spans that were taken and are not kept", ("reason",))
KEPT = metrics.gauge("tracing_spans", "Spans in memory")
WEIGHT = metrics.gauge("tracing_memory_bytes", "What they take, roughly")


@dataclass(frozen=True)
class Wanted:
    """What a search is for; empty means any. Times and durations are microseconds; one and the same span must fit all of it."""

    service: str = ""
    operation: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    start: int = 0
    end: int = 2**63
    shortest: int = 0
    longest: int = 2**63
    limit: int = 100

    def fits(self, span: Span) -> bool:
        """Whether it is such a span."""
        return (
            (not self.service or span.process.service == self.service)
            and (not self.operation or span.operation == self.operation)
            and self.start <= span.start <= self.end
            and self.shortest <= span.duration <= self.longest
            and all(span.has(key, value) for key, value in self.tags.items())
        )


@dataclass
class Trace:
    """What is known of one so far; `cut` spans did not fit."""

    id: str
    spans: list[Span] = field(default_factory=list)
    known: set[tuple[str, str]] = field(default_factory=set)
    weight: int = 0
    cut: int = 0

    @property
    def began(self) -> int:
        """Microseconds since the epoch."""
        return min(span.start for span in self.spans)


class Store:
    """For several threads."""

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory, self._weight = memory, 0
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._operations: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, spans: Iterable[Span]) -> int:
        """Keep them; returns how many are refused for their size. What came before is not kept twice."""
        refused = 0
        with self._lock:
            for span in spans:
                weight = span.weight()
                if weight > LARGEST_SPAN:
                    DROPPED.labels("span_too_large").inc()
                    refused += 1
                else:
                    self._add(span, weight)
            while self._weight > self._memory and len(self._traces) > 1:
                self._drop_oldest()
            KEPT.set(sum(self._operations.values()))
            WEIGHT.set(self._weight)
        return refused

    def find(self, wanted: Wanted) -> list[Trace]:
        """Traces with such a span, the latest first."""
        with self._lock:
            fitting = [trace for trace in self._traces.values() if any(map(wanted.fits, trace.spans))]
            found = sorted(fitting, key=lambda trace: trace.began, reverse=True)[: wanted.limit]
            return [self._copy(trace) for trace in found]

    def get(self, trace_id: str) -> Trace | None:
        """One of them."""
        with self._lock:
            found = self._traces.get(trace_id)
            return self._copy(found) if found else None

    def services(self) -> list[str]:
        """Who has recorded something."""
        with self._lock:
            return sorted({service for service, _, _ in self._operations})

    def operations(self, service: str, kind: str = "") -> list[tuple[str, str]]:
        """What a service does, with the kind of span."""
        with self._lock:
            return sorted((name, k) for s, name, k in self._operations if s == service and kind in ("", k))

    def dependencies(self, start: int, end: int) -> Counter[tuple[str, str]]:
        """How often each service was at work because of another one, in traces that began within this time."""
        calls: Counter[tuple[str, str]] = Counter()
        with self._lock:
            for trace in self._traces.values():
                if start <= trace.began <= end:
                    calls.update(_calls(trace.spans))
        return calls

    def _add(self, span: Span, weight: int) -> None:
        trace = self._traces.setdefault(span.trace_id, Trace(span.trace_id))
        self._traces.move_to_end(span.trace_id)
        key = span.process.service, span.span_id
        if key in trace.known:
            DROPPED.labels("came_before").inc()
        elif trace.spans and trace.weight + weight > LARGEST_TRACE:
            DROPPED.labels("trace_too_large").inc()
            trace.cut += 1
        else:
            trace.known.add(key)
            trace.spans.append(span)
            trace.weight += weight
            self._weight += weight
            self._operations[span.process.service, span.operation, span.kind] += 1

    def _drop_oldest(self) -> None:
        _, trace = self._traces.popitem(last=False)
        self._weight -= trace.weight
        self._operations.subtract((s.process.service, s.operation, s.kind) for s in trace.spans)
        self._operations += Counter()  # without those that are gone
        DROPPED.labels("memory_full").inc(len(trace.spans))

    def _copy(self, trace: Trace) -> Trace:
        return Trace(trace.id, list(trace.spans), cut=trace.cut)


def _calls(spans: list[Span]) -> Iterable[tuple[str, str]]:
    services = {span.span_id: span.process.service for span in spans}
    for span in spans:
        above = services.get(span.parent.span_id) if span.parent else None
        if above and above != span.process.service:
            yield above, span.process.service
