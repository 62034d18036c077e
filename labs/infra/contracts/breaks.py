"""What a comparison of two contracts finds: a place, what is different there, and who relied on how it was."""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

LONGEST = 60


class Way(Enum):
    """Which way the values of a schema travel. Callers send: what was accepted must stay accepted. Readers get: nothing may
    come that was not announced."""

    SENT = "sent"
    READ = "read"


@dataclass(frozen=True)
class Break:
    """`place` in the document and `change` there, in words; `who` breaks. A `warning` breaks only those who are stricter than
    the rules ask of them."""

    place: str
    change: str
    who: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.change}; {'may surprise' if self.warning else 'breaks'} {self.who}"


def text(value: Any) -> str:
    """A part of a document as JSON in one form: equal parts have equal texts."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def shown(value: Any) -> str:
    """The same, short."""
    whole = text(value)
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]} …"
