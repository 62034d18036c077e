"""Which broker a system uses: one that somebody nearby already runs, in a vhost of its own, or a node of its own."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from labs.services.chassis.probe import probe

ADMIN = "admin"


@dataclass(frozen=True)
class Broker:
    """A node that answers: `amqp`, `http` and `metrics` are host:port, `password` that of its administrator."""

    amqp: str
    http: str
    metrics: str
    password: str

    @property
    def answers(self) -> bool:
        """Whether it speaks AMQP right now."""
        return not probe(f"amqp://{self.amqp}")


def nearby(home: Path) -> Broker | None:
    """The broker that `make lab` or the test session started for everybody in `home`, if it answers."""
    try:
        facts = json.loads((home / "broker.json").read_text())
        broker = Broker(**facts)
    except (OSError, ValueError, TypeError):
        return None
    return broker if broker.answers else None


@contextmanager
def announced(home: Path, broker: Broker) -> Iterator[Broker]:
    """While this lasts, systems in `home` use this broker. Its password is readable by the owner alone."""
    path = home / "broker.json"
    new = path.with_suffix(f".{os.getpid()}")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps(asdict(broker)))
    new.replace(path)
    try:
        yield broker
    finally:
        path.unlink(missing_ok=True)
