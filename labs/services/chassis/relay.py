"""The relay carries committed events from the outbox to the broker, and marks as sent only what the broker confirmed."""

import threading
import time

from labs.services.chassis import logs, outbox
from labs.services.chassis.database import Database
from labs.services.chassis.events import Event
from labs.services.chassis.publisher import BrokerAway, Outgoing, Publisher

log = logs.get(__name__)


class Relay:
    """Publishes the outbox of `service`. Several may run for one database: consumers suppress what arrives twice."""

    def __init__(self, service: str, db: Database, publisher: Publisher, interval: float) -> None:
        self._service, self._db, self._publisher, self._interval = service, db, publisher, interval
        self._woken = threading.Event()
        self._stopped = False

    def step(self) -> int:
        """Publish what is due; returns how many the broker took. Raises BrokerAway; then nothing is marked."""
        with self._db.reading() as session:
            rows = outbox.due(session)
        if not rows:
            return 0
        told = [Event(self._service, r.type, r.data, r.event_id, r.time, r.correlation_id) for r in rows]
        fates = self._publisher.publish([Outgoing.told(event) for event in told])
        with self._db.transaction() as tx:
            outbox.mark_sent(tx, [row.position for row, fate in zip(rows, fates, strict=True) if not fate])
            for row, fate in zip(rows, fates, strict=True):
                if fate:
                    outbox.mark_failed(tx, row.position, row.attempts, fate)
                    if row.attempts == 0:
                        log.warning("event stays in the outbox", type=row.type, event_id=row.event_id, reason=fate)
        return fates.count("")

    def run(self) -> None:
        """Until `stop`: publish, then wait to be woken or for the interval; longer while the broker is away."""
        away_since = 0.0
        while not self._stopped:
            try:
                self.step()
                if away_since:
                    log.info("broker is back", seconds_away=f"{time.monotonic() - away_since:.1f}")
                away_since, pause = 0.0, self._interval
            except BrokerAway as error:
                if not away_since:
                    away_since = time.monotonic()
                    log.warning("broker is away, events wait in the outbox", reason=str(error))
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
