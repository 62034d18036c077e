"""What an event is: CloudEvents 1.0 attributes around plain data, in AMQP's binary mode (attributes travel as headers)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

PREFIX = "cloudEvents:"
"""Header prefix of the CloudEvents AMQP binding, version 1.0.2, section 3.1."""


@dataclass(frozen=True)
class Event:
    """Something that happened in `source`. `data` is JSON; `id` is unique and stays the same however often it travels."""

    source: str
    type: str
    data: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid4()))
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    correlation_id: str = ""

    def headers(self) -> dict[str, str]:
        """The attributes as AMQP headers."""
        attributes = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type, "time": self.time}
        return {PREFIX + k: v for k, v in attributes.items()} | {PREFIX + "correlationid": self.correlation_id}

    @classmethod
    def read(cls, headers: dict[str, Any], data: Any) -> "Event":
        """The event in a message. Raises NotAnEvent, which names what is missing, for anything else."""
        missing = [name for name in ("id", "source", "type") if not headers.get(PREFIX + name)]
        if missing or not isinstance(data, dict):
            raise NotAnEvent(f"no CloudEvent: missing {', '.join(missing) or 'a JSON object as body'}")
        get = {k.removeprefix(PREFIX): v for k, v in headers.items() if k.startswith(PREFIX)}
        return cls(get["source"], get["type"], data, get["id"], get.get("time", ""), get.get("correlationid", ""))


class NotAnEvent(ValueError):
    """A message that lacks what every event has."""


def exchange(service: str) -> str:
    """The topic exchange on which `service` tells its events; the name is nameko's convention."""
    return f"{service}.events"
