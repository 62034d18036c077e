"""What a span is, in Jaeger's terms: https://www.jaegertracing.io/docs/2.0/architecture/apis/ and the JSON of its query API.
Times are microseconds since the epoch, ids lower-case hex: 32 digits of a trace, 16 of a span."""

import base64
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["string", "bool", "int64", "float64", "binary"]
CHILD_OF, FOLLOWS_FROM = "CHILD_OF", "FOLLOWS_FROM"
SPAN_BYTES, TAG_BYTES = 600, 160
"""What a span and a tag take in memory beside their texts, measured on CPython 3.11."""
_KINDS: dict[type, Kind] = {str: "string", bool: "bool", int: "int64", float: "float64", bytes: "binary"}


@dataclass(frozen=True, slots=True)
class Tag:
    """A key and a value: text, a truth, a number, or bytes."""

    key: str
    value: str | bool | int | float | bytes

    def to_json(self) -> dict[str, Any]:
        """As the query API has it; bytes become base64, and what is no number for JSON becomes text."""
        value = base64.b64encode(self.value).decode() if isinstance(self.value, bytes) else self.value
        odd = isinstance(value, float) and not math.isfinite(value)
        return {"key": self.key, "type": _KINDS[type(self.value)], "value": str(value) if odd else value}

    def text(self) -> str:
        """As it is searched for."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return self.value.hex() if isinstance(self.value, bytes) else str(self.value)


Tags = tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """Something that happened within a span."""

    timestamp: int
    fields: Tags

    def to_json(self) -> dict[str, Any]:
        """As the query API has it."""
        return {"timestamp": self.timestamp, "fields": [tag.to_json() for tag in self.fields]}


@dataclass(frozen=True, slots=True)
class Reference:
    """To the span because of which this one is (CHILD_OF), or another that has to do with it (FOLLOWS_FROM)."""

    kind: str
    trace_id: str
    span_id: str

    def to_json(self) -> dict[str, Any]:
        """As the query API has it."""
        return {"refType": self.kind, "traceID": self.trace_id, "spanID": self.span_id}


@dataclass(frozen=True, slots=True)
class Process:
    """Who recorded spans."""

    service: str
    tags: Tags = ()

    def to_json(self) -> dict[str, Any]:
        """As the query API has it."""
        return {"serviceName": self.service, "tags": [tag.to_json() for tag in self.tags]}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of somebody's time. `references` begin with its parent, if it has one."""

    trace_id: str
    span_id: str
    operation: str
    start: int
    duration: int
    process: Process
    references: tuple[Reference, ...] = ()
    tags: Tags = ()
    logs: tuple[Log, ...] = ()
    flags: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def parent(self) -> Reference | None:
        """What it is a child of, or else what it follows from, within its own trace."""
        own = [r for r in self.references if r.trace_id == self.trace_id]
        return next((r for r in own if r.kind == CHILD_OF), own[0] if own else None)

    @property
    def kind(self) -> str:
        """server, client, producer, consumer, internal; empty if it does not say."""
        return next((tag.text() for tag in self.tags if tag.key == "span.kind"), "")

    def has(self, key: str, value: str) -> bool:
        """Whether one of its tags, of its process's, or of a field of its logs is this. Jaeger looks at all of them."""
        places = (self.tags, self.process.tags, *(log.fields for log in self.logs))
        return any(tag.key == key and tag.text() == value for place in places for tag in place)

    def weight(self) -> int:
        """Bytes that it takes, roughly."""
        fields = [tag for log in self.logs for tag in log.fields]
        every = [*self.tags, *fields]
        texts = len(self.operation) + sum(map(_weight, every)) + sum(map(len, self.warnings))
        return SPAN_BYTES + TAG_BYTES * (len(self.references) + len(self.logs)) + texts

    def to_json(self, process_id: str, warnings: Iterable[str] = ()) -> dict[str, Any]:
        """As the query API has it, with what there is to say about it in its trace."""
        flags = {"flags": self.flags} if self.flags else {}
        return {
            "traceID": self.trace_id,
            "spanID": self.span_id,
            **flags,
            "operationName": self.operation,
            "references": [reference.to_json() for reference in self.references],
            "startTime": self.start,
            "duration": self.duration,
            "tags": [tag.to_json() for tag in self.tags],
            "logs": [log.to_json() for log in self.logs],
            "processID": process_id,
            "warnings": [*self.warnings, *warnings] or None,
        }


def _weight(tag: Tag) -> int:
    return TAG_BYTES + len(tag.key) + (len(tag.value) if isinstance(tag.value, str | bytes) else 8)
