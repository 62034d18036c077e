"""What an event is: CloudEvents 1.0 attributes around plain data, in AMQP's binary mode (attributes travel as headers)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

PREFIX = "cloudEvents:"
"""Header prefix of the CloudEvents AMQP binding, version 1.0.2, section 3.1."""
LONGEST_ID = 36
"""Characters, those of a UUID: what the inbox remembers."""
LARGEST = 1_000_000
"""Bytes of an event's data."""
LONGEST = {"id": LONGEST_ID, "source": 100, "type": 100, "time": 40, "correlationid": 64, "traceparent": 100}


@dataclass(frozen=True)
class Event:
    """Something that happened in `source`. `data` is JSON; `id` is unique and stays the same however often it travels.
    `traceparent` names the span in which it happened (CloudEvents' extension for distributed tracing)."""

    source: str
    type: str
    data: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid4()))
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    correlation_id: str = ""
    traceparent: str = ""

    def headers(self) -> dict[str, str]:
        """The attributes as AMQP headers."""
        needed = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type, "time": self.time}
        extensions = {"correlationid": self.correlation_id, "traceparent": self.traceparent}
        return {PREFIX + k: v for k, v in (needed | {k: v for k, v in extensions.items() if v}).items()}

    @classmethod
    def read(cls, headers: dict[str, Any], data: Any) -> "Event":
        """The event in a message. Raises NotAnEvent, which says what is wrong, for anything else."""
        get = {k.removeprefix(PREFIX): v for k, v in headers.items() if k.startswith(PREFIX)}
        missing = [name for name in ("id", "source", "type") if not get.get(name)]
        if missing or not isinstance(data, dict):
            raise NotAnEvent(f"no CloudEvent: missing {', '.join(missing) or 'a JSON object as body'}")
        for name, longest in LONGEST.items():
            if not isinstance(value := get.get(name, ""), str) or len(value) > longest:
                raise NotAnEvent(f"no CloudEvent of ours: {name} must be text of at most {longest} characters")
        optional = (get.get(name, "") for name in ("time", "correlationid", "traceparent"))
        return cls(get["source"], get["type"], data, get["id"], *optional)


class NotAnEvent(ValueError):
    """A message that lacks what every event has, or has it in a shape that nobody here can keep."""


def exchange(service: str) -> str:
    """The topic exchange on which `service` tells its events; the name is nameko's convention."""
    return f"{service}.events"
