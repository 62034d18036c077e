"""The relay carries committed events from the outbox to the broker, and marks as sent only what the broker confirmed."""

import threading
import time

from sqlalchemy.exc import SQLAlchemyError

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
        """Publish what is due; returns how many the broker took. Raises BrokerAway, and what the database raises; then
        nothing is marked and all of it goes out again."""
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
        """Until `stop`: publish, then wait to be woken or for the interval; longer while broker or database are away."""
        stuck_since = 0.0
        while not self._stopped:
            try:
                self.step()
                if stuck_since:
                    log.info("events leave the outbox again", seconds_stuck=f"{time.monotonic() - stuck_since:.1f}")
                stuck_since, pause = 0.0, self._interval
            except (BrokerAway, SQLAlchemyError) as error:
                if not stuck_since:
                    stuck_since = time.monotonic()
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
