"""Who may do what in a system's vhost: a service owns what carries its name, and may listen to what others tell."""

import re
from dataclasses import dataclass

_ANY = "[A-Za-z0-9_-]+"


@dataclass(frozen=True)
class Rights:
    """Three patterns for the names of exchanges and queues, as RabbitMQ keeps them: what a user may declare and
    delete, publish to or bind, consume from or listen to."""

    configure: str
    write: str
    read: str


EVERYTHING = Rights(".*", ".*", ".*")


def rights(service: str) -> Rights:
    """The rights of a service, by the names that nameko gives: its exchange and queues for events, their retry and
    dead-letter queues, its end of remote procedure calls. It may bind to every service's events, and write to none.
    Not even to the default exchange: that one puts a message into any queue by its name."""
    name = re.escape(f"{service}-service")
    own = [rf"{name}\..+", rf"evt-{_ANY}--{name}\..+", "nameko-rpc", f"rpc-{name}", rf"rpc\.reply-{name}-.+"]
    others_events = rf"{_ANY}-service\.events"
    return Rights(_one_of(*own), _one_of(*own), _one_of(*own, others_events))


def events_exchange(service: str) -> str:
    """The name of the exchange that a service publishes its events to."""
    return f"{service}-service.events"


def _one_of(*patterns: str) -> str:
    return f"^({'|'.join(patterns)})$"
