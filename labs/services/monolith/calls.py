"""What the services tell each other by events is a function call here, in the transaction of the caller: it is done when the
caller goes on, and undone when the caller fails."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nameko.extensions import ENTRYPOINT_EXTENSIONS_ATTR
from nameko.timer import Timer

from labs.services.chassis import logs
from labs.services.chassis.database import Database, Transaction
from labs.services.chassis.events import Event
from labs.services.chassis.handler import ReliableEventHandler

Handlers = Mapping[str, Sequence[Callable[[Event, Transaction], None]]]
"""Who is called for an event, by its type."""


class Calls(Transaction):
    """A transaction whose events have reached their handlers when `tell` returns."""

    def __init__(self, handlers: Handlers, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._handlers = handlers

    def tell(self, event_type: str, data: dict[str, Any], needed: bool = True) -> str:  # noqa: ARG002
        """Call everybody who handles events of this type; nobody may. Returns the event's id. Raises what they raise."""
        event = Event("monolith", event_type, data, correlation_id=logs.correlation_id())
        for handler in self._handlers.get(event_type, ()):
            handler(event, self)
        return event.id


class OneDatabase(Database):
    """The database of all parts of the shop."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.handlers: dict[str, list[Callable[[Event, Transaction], None]]] = {}

    def begin(self, *args: Any, **kwargs: Any) -> Transaction:
        """A transaction that calls."""
        return Calls(self.handlers, *args, **kwargs)


def handlers(worker: Any) -> Iterator[tuple[str, Callable[..., None]]]:
    """(event type, method) of all event handlers of a worker, as nameko would call them."""
    for entrypoint, method in _entrypoints(worker, ReliableEventHandler):
        yield entrypoint.event_type, method


def timers(worker: Any) -> Iterator[tuple[float, Callable[[], None]]]:
    """(seconds between two calls, method) of all its timers."""
    for entrypoint, method in _entrypoints(worker, Timer):
        yield entrypoint.interval, method


def _entrypoints(worker: Any, kind: type) -> Iterator[tuple[Any, Callable[..., None]]]:
    for method in vars(type(worker)).values():
        for entrypoint in getattr(method, ENTRYPOINT_EXTENSIONS_ATTR, ()):
            if isinstance(entrypoint, kind):
                yield entrypoint, getattr(method, "__wrapped__", method).__get__(worker)
