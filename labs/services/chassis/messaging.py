"""Spans of events on their way, by OpenTelemetry's conventions for messaging. An event carries two traceparents: its own, of
the span in which it happened, for as long as it exists; and the message's, of the span that sent it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.trace import Span, SpanKind

from labs.services.chassis import traces
from labs.services.chassis.events import Event, exchange


def sending(event: Event) -> Span:
    """Begin to publish it, as part of the story in which it happened, however long ago. End the span once the broker has
    confirmed it; an attempt that failed leaves none."""
    where = {
        "messaging.destination.name": exchange(event.source),
        "messaging.rabbitmq.destination.routing_key": event.type,
    }
    return traces.begun(f"send {event.type}", SpanKind.PRODUCER, _about(event, "send") | where, event.traceparent)


@contextmanager
def processing(event: Event, queue: str, traceparent: str) -> Iterator[Span]:
    """A consumer deals with it. `traceparent` is the message's; without one the story goes on from the event itself."""
    where = {"messaging.destination.name": queue}
    seen = _about(event, "process") | where
    with traces.span(f"process {event.type}", SpanKind.CONSUMER, seen, traceparent or event.traceparent) as span:
        yield span


def _about(event: Event, operation: str) -> dict[str, Any]:
    return {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.message.id": event.id,
        "messaging.message.conversation_id": event.correlation_id,
        "cloudevents.event_id": event.id,
        "cloudevents.event_source": event.source,
        "cloudevents.event_type": event.type,
    }
