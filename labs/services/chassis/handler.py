"""The event handler entrypoint that keeps its promise: nameko's, with an inbox, acknowledgement after the commit, retries and
dead letters. nameko's own acknowledges an event whose handler raised, and it is gone."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from nameko.events import EventHandler
from nameko.extensions import DependencyProvider
from pydantic import ValidationError

from labs.services.chassis import crash, inbox, logs, messaging, metrics, redaction, topology, traces
from labs.services.chassis.consumer import CannotRun, Consumer
from labs.services.chassis.container import CORRELATION_ID
from labs.services.chassis.database import Database, outage
from labs.services.chassis.events import LARGEST, Event, NotAnEvent
from labs.services.chassis.publisher import BrokerAway, Outgoing

HOPELESS = (NotAnEvent, ValidationError)
"""What a handler raises for data that no further attempt makes better."""
QUEUE = ("messaging_destination_name",)
PROCESSED = metrics.histogram(
    "messaging_process_duration_seconds", "Attempts of event handlers, commit included", (*QUEUE, "error_type")
)
SUPPRESSED = metrics.counter("duplicates_suppressed_total", "Events that came again after they took effect", QUEUE)
RETRIED = metrics.counter("event_retries_total", "Attempts that failed and are made again later", QUEUE)
BURIED = metrics.counter("dead_letters_total", "Events that nobody could handle", QUEUE)
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
        def once(service: Any, event: Event) -> bool:
            with service.db.transaction() as tx:
                first = inbox.claim(tx, f"{service.name}.{method.__name__}", event.id)
                if first:
                    log.info(f"handling {event.type}", event_id=event.id, data=partial(redaction.data, event.data))
                    method(service, event, tx)
                    crash.point("after_effect_before_commit")
                else:
                    log.info(f"duplicate {event.type} suppressed", event_id=event.id)
            return first

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
        """Hand the event to a worker; what is no event for this handler becomes a dead letter at once."""
        try:
            event = self._read(body, message)
        except NotAnEvent as error:
            self.handle_garbage(message, error)
            return
        story = {CORRELATION_ID: event.correlation_id, traces.HEADER: str(message.headers.get(traces.HEADER, ""))}
        settle = partial(self._settle, message, event, time.perf_counter())
        self.container.spawn_worker(self, (event,), {}, context_data=story, handle_result=settle)

    def handle_garbage(self, message: Any, error: Exception) -> None:
        """A message that is no event, or cannot even be decoded: a dead letter that holds what came."""
        self._bury(message, str(error)[:500])

    @contextmanager
    def story(self, worker: Any) -> Iterator[None]:
        """Around one attempt."""
        (event,) = worker.args
        with (
            logs.correlated(event.correlation_id) as worker.data[CORRELATION_ID],
            messaging.processing(event, self.queue.name, worker.data[traces.HEADER]),
        ):
            yield

    def _read(self, body: Any, message: Any) -> Event:
        if len(message.body) > LARGEST:
            raise NotAnEvent(f"larger than {LARGEST:,} bytes: {len(message.body):,}")
        event = Event.read(message.headers, body)
        if (event.source, event.type) != (self.source_service, self.event_type):
            raise NotAnEvent(f"{event.type} of {event.source}: {self.method_name} knows {self.event_type} only")
        return event

    def _settle(
        self, message: Any, event: Event, began: float, _worker: Any, first: Any, exc_info: Any
    ) -> tuple[Any, Any]:
        error = exc_info[1] if exc_info else None
        took = time.perf_counter() - began
        failed = type(error).__name__ if error else ""
        PROCESSED.labels(self.queue.name, failed).observe(took, traces.exemplar())
        if error is None:
            if not first:
                SUPPRESSED.labels(self.queue.name).inc()
            self.container.config["resources"].relay.wake()
            crash.point("before_ack")
            self.queue_consumer.ack_message(message)
        else:
            traces.failed(error)
            self._fail(message, event, error)
        return None, exc_info

    def _fail(self, message: Any, event: Event, error: BaseException) -> None:
        reason, last = f"{type(error).__name__}: {error}"[:500], len(topology.RETRY_SECONDS)
        attempt = topology.attempt(message.headers)
        further = attempt + 1
        if outage(error):  # not the event's fault: it waits as long as it takes
            attempt, further = min(attempt, last), min(further, last)
        elif attempt > last or isinstance(error, HOPELESS):
            self._bury(message, reason, event.type, event.id)
            return
        pause = topology.RETRY_SECONDS[attempt - 1]
        log.warning(f"{event.type} failed", event_id=event.id, attempt=attempt, next_in_seconds=pause, reason=reason)
        RETRIED.labels(self.queue.name).inc()
        headers = {topology.ATTEMPT: further, topology.REASON: reason}
        self._pass_on(message, topology.retry(self.container.service_name, attempt), headers)

    def _bury(self, message: Any, reason: str, what: str = "a message", event_id: str = "") -> None:
        log.error(f"{what} is a dead letter", event_id=event_id, queue=self.queue.name, reason=reason)
        BURIED.labels(self.queue.name).inc()
        noted = {topology.REASON: reason, topology.FAILED_QUEUE: self.queue.name, topology.DIED_AT: time.time()}
        noted[topology.ATTEMPT] = topology.attempt(message.headers)
        self._pass_on(message, topology.dead(self.container.service_name), noted)

    def _pass_on(self, message: Any, exchange: str, headers: dict[str, Any]) -> None:
        """To the next queue with confirm, and only then off this one; if that fails the broker delivers it again."""
        outgoing = Outgoing.passed_on(message, exchange, self.queue.name, headers)
        try:
            (fate,) = self.container.config["resources"].retries.publish([outgoing])
        except BrokerAway as error:
            fate = str(error)
        if fate:
            log.warning("event stays in its queue", message_id=outgoing.message_id, reason=fate)
            self.queue_consumer.requeue_message(message)
        else:
            self.queue_consumer.ack_message(message)
