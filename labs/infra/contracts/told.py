"""Who tells which event, and who listens: read from the services' own code, without a running system."""

import inspect
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from pydantic import BaseModel

SERVICES = ("user", "order", "inventory", "notification")
"""The packages of labs.services that have a worker."""


@dataclass(frozen=True)
class Told:
    """An event that `source` tells; the model describes its data."""

    source: str
    model: type[BaseModel]
    type: str


@dataclass(frozen=True)
class Handler:
    """A method of `service` that hears the events of one type from `source`."""

    service: str
    method: str
    source: str
    type: str
    meaning: str

    @property
    def name(self) -> str:
        """For people, and in the name of its queue."""
        return f"{self.service}.{self.method}"

    @property
    def queue(self) -> str:
        """The name is nameko's convention for handlers that share their events among all instances of a service."""
        return f"evt-{self.source}-{self.type}--{self.name}"


def told() -> list[Told]:
    """Every event of every service, by service and type."""
    found = []
    for package in SERVICES:
        events = import_module(f"labs.services.{package}.events").TOLD
        found += [Told(f"{package}-service", events[name], name) for name in sorted(events)]
    return found


def handlers() -> list[Handler]:
    """Every event handler of every worker, by service and method."""
    return [handler for package in SERVICES for handler in _of(package)]


def unheard() -> list[Told]:
    """Events that nobody listens to."""
    heard = {(handler.source, handler.type) for handler in handlers()}
    return [event for event in told() if (event.source, event.type) not in heard]


def in_vain() -> list[Handler]:
    """Handlers of events that nobody tells."""
    known = {(event.source, event.type) for event in told()}
    return [handler for handler in handlers() if (handler.source, handler.type) not in known]


def _of(package: str) -> Iterator[Handler]:
    with warnings.catch_warnings(action="ignore"):  # eventlet says at every start that it is in maintenance
        module = import_module(f"labs.services.{package}.worker")
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if cls.__module__ != module.__name__:
            continue
        for method, function in inspect.getmembers(cls, inspect.isfunction):
            for entrypoint in getattr(function, "nameko_entrypoints", ()):
                if hasattr(entrypoint, "event_type"):
                    meaning = inspect.getdoc(function) or ""
                    yield Handler(vars(cls)["name"], method, entrypoint.source_service, entrypoint.event_type, meaning)
