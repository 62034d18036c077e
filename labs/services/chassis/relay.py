"""The relay carries committed events from the outbox to the broker, and marks as sent only what the broker confirmed."""

import threading
import time
from functools import partial
from typing import Any

from opentelemetry.trace import use_span
from sqlalchemy.engine import Row
from sqlalchemy.exc import SQLAlchemyError

from labs.services.chassis import logs, messaging, metrics, outbox, redaction, traces
from labs.services.chassis.database import Database, Transaction
from labs.services.chassis.events import Event
from labs.services.chassis.publisher import BrokerAway, Outgoing, Publisher

PUBLISHED = metrics.counter("events_published_total", "Events that the broker confirmed", ("cloudevents_event_type",))
FAILED = metrics.counter("event_publish_failures_total", "Attempts to publish after which events wait on", ("reason",))
UNHEARD = "unroutable"
"""The fate of an event that nobody listens to."""
log = logs.get(__name__)


class Relay:
    """Publishes the outbox of `service`. Several may run for one database: on PostgreSQL each takes other rows, and everywhere
    consumers suppress what arrives twice."""

    def __init__(self, service: str, db: Database, publisher: Publisher, interval: float) -> None:
        self._service, self._db, self._publisher, self._interval = service, db, publisher, interval
        self._woken = threading.Event()
        self._stopped = False
        self._stuck_since = 0.0

    def step(self) -> int:
        """Publish what is due; returns how many the broker took. Raises BrokerAway, and what the database raises; then
        nothing is marked and all of it goes out again."""
        with self._db.reading() as session:
            rows = outbox.due(session)
        if not rows:
            return 0
        if self._db.one_writer:  # who would have to wait for the broker, too
            fates = self._publish(rows)
            with self._db.transaction() as tx:
                return self._mark(tx, rows, fates)
        with self._db.transaction() as tx:
            rows = outbox.claim_due(tx)
            return self._mark(tx, rows, self._publish(rows)) if rows else 0

    def _publish(self, rows: list[Row[Any]]) -> list[str]:
        told = [Event(self._service, r.type, r.data, r.event_id, r.time, r.correlation_id, r.traceparent) for r in rows]
        spans = [messaging.sending(event) for event in told]
        outgoing = [Outgoing.told(event, traces.traceparent(span)) for event, span in zip(told, spans, strict=True)]
        try:
            said = self._publisher.publish(outgoing)
        except BrokerAway:
            FAILED.labels("broker_away").inc()
            raise
        fates = ["" if fate == UNHEARD and not row.needed else fate for row, fate in zip(rows, said, strict=True)]
        for row, span, fate in zip(rows, spans, fates, strict=True):
            if not fate:
                PUBLISHED.labels(row.type).inc()
                with logs.correlated(row.correlation_id), use_span(span, end_on_exit=True):
                    _log(row)
            else:
                FAILED.labels(fate if fate in (UNHEARD, "refused") else "channel_closed").inc()
        return fates

    def _mark(self, tx: Transaction, rows: list[Row[Any]], fates: list[str]) -> int:
        outbox.mark_sent(tx, [row.position for row, fate in zip(rows, fates, strict=True) if not fate])
        for row, fate in zip(rows, fates, strict=True):
            if fate:
                outbox.mark_failed(tx, row.position, row.attempts, fate)
                if row.attempts == 0:
                    log.warning("event stays in the outbox", type=row.type, event_id=row.event_id, reason=fate)
        return fates.count("")

    @property
    def stuck(self) -> bool:
        """Whether events cannot leave now: broker or database are away."""
        return bool(self._stuck_since)

    def run(self) -> None:
        """Until `stop`: publish, then wait to be woken or for the interval; longer while broker or database are away."""
        while not self._stopped:
            try:
                self.step()
                if self._stuck_since:
                    log.info(
                        "events leave the outbox again", seconds_stuck=f"{time.monotonic() - self._stuck_since:.1f}"
                    )
                self._stuck_since, pause = 0.0, self._interval
            except (BrokerAway, SQLAlchemyError) as error:
                if not self._stuck_since:
                    self._stuck_since = time.monotonic()
                    away = "broker is away" if isinstance(error, BrokerAway) else "database fails"
                    log.warning(f"{away}, events wait in the outbox", reason=str(error))
                pause = max(self._interval, 0.25)
            self._woken.wait(pause)
            self._woken.clear()
        self._publisher.close()

    def wake(self) -> None:
        """There is something new: do not wait for the interval."""
        self._woken.set()

    def stop(self) -> None:
        """End `run` after the step it is in."""
        self._stopped = True
        self.wake()


def _log(row: Row[Any]) -> None:
    """`event.start` is when it happened; since then it has waited in the outbox."""
    shown = partial(redaction.data, row.data)
    log.info(f"told {row.type}", event_id=row.event_id, data=shown, **{"event.start": row.time})
