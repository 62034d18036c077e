"""The event handler entrypoint that keeps its promise: nameko's, with an inbox, acknowledgement after the commit, retries and
dead letters. nameko's own acknowledges an event whose handler raised, and it is gone."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from nameko.events import EventHandler
from nameko.extensions import DependencyProvider

from labs.services.chassis import inbox, logs, topology
from labs.services.chassis.consumer import CannotRun, Consumer
from labs.services.chassis.database import Database
from labs.services.chassis.events import Event, NotAnEvent
from labs.services.chassis.publisher import BrokerAway, Outgoing

ATTEMPT, REASON, QUEUE = "x-attempt", "x-reason", "x-failed-queue"
"""Headers of an event on its way to another attempt or to the dead letters."""
log = logs.get(__name__)


class ServiceDatabase(DependencyProvider):
    """`db = ServiceDatabase()` gives a nameko service its own database."""

    def get_dependency(self, _worker_ctx: Any) -> Database:
        """nameko calls it for every event and call."""
        database: Database = self.container.config["resources"].db
        return database


def handle_event(source: str, event_type: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate `method(self, event, tx)`: called for each event of this type that `source` tells, once in effect. `tx` is
    the transaction in which the event is claimed; what the method writes and tells with it is committed together.
    The service class needs `db = ServiceDatabase()`."""

    def decorate(method: Callable[..., None]) -> Callable[..., None]:
        @wraps(method)
        def once(service: Any, event: Event) -> None:
            with logs.correlated(event.correlation_id), service.db.transaction() as tx:
                if inbox.claim(tx, f"{service.name}.{method.__name__}", event.id):
                    log.info(f"handling {event.type}", event_id=event.id)
                    method(service, event, tx)
                else:
                    log.info(f"duplicate {event.type} suppressed", event_id=event.id)

        entrypoint: Callable[..., None] = ReliableEventHandler.decorator(source, event_type)(once)
        return entrypoint

    return decorate


class ReliableEventHandler(EventHandler):
    """Acknowledges after the effect is committed; retries with growing delay; dead letters carry the reason."""

    queue_consumer = Consumer()

    def setup(self) -> None:
        """Under nameko's own queue names, with arguments of our own."""
        if not any(isinstance(d, ServiceDatabase) and d.attr_name == "db" for d in self.container.dependencies):
            raise CannotRun(f"{self.container.service_cls.__name__} handles events: give it `db = ServiceDatabase()`")
        super().setup()
        self.queue.queue_arguments = topology.handler_arguments(self.container.service_name)

    def handle_message(self, body: Any, message: Any) -> None:
        """Hand the event to a worker; what is no event becomes a dead letter at once."""
        try:
            event = Event.read(message.headers, body)
        except NotAnEvent as error:
            self.handle_garbage(message, error)
            return
        settle = partial(self._settle, message, event)
        self.container.spawn_worker(self, (event,), {}, handle_result=settle)

    def handle_garbage(self, message: Any, error: Exception) -> None:
        """A message that is no event, or cannot even be decoded: a dead letter that shows what came."""
        garbage = Event("unknown", "unreadable", {"body": repr(message.body)[:2000]})
        self._bury(message, garbage, str(error))

    def _settle(self, message: Any, event: Event, _worker: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        if exc_info is None:
            self.container.config["resources"].relay.wake()
            self.queue_consumer.ack_message(message)
            return result, None
        with logs.correlated(event.correlation_id):
            self._fail(message, event, f"{exc_info[0].__name__}: {exc_info[1]}"[:500])
        return result, exc_info

    def _fail(self, message: Any, event: Event, reason: str) -> None:
        attempt = int(message.headers.get(ATTEMPT, 1))
        if attempt > len(topology.RETRY_SECONDS):
            self._bury(message, event, reason)
            return
        pause = topology.RETRY_SECONDS[attempt - 1]
        log.warning(f"{event.type} failed", event_id=event.id, attempt=attempt, next_in_seconds=pause, reason=reason)
        exchange = topology.retry(self.container.service_name, attempt)
        self._pass_on(message, Outgoing(event, exchange, self.queue.name, {ATTEMPT: attempt + 1, REASON: reason}))

    def _bury(self, message: Any, event: Event, reason: str) -> None:
        log.error(f"{event.type} is a dead letter", event_id=event.id, reason=reason)
        headers = {REASON: reason, QUEUE: self.queue.name}
        self._pass_on(message, Outgoing(event, topology.dead(self.container.service_name), self.queue.name, headers))

    def _pass_on(self, message: Any, outgoing: Outgoing) -> None:
        """To the next queue with confirm, and only then off this one; if that fails the broker delivers it again."""
        try:
            (fate,) = self.container.config["resources"].retries.publish([outgoing])
        except BrokerAway as error:
            fate = str(error)
        if fate:
            log.warning("event stays in its queue", event_id=outgoing.event.id, reason=fate)
            self.queue_consumer.requeue_message(message)
        else:
            self.queue_consumer.ack_message(message)
