"""Carries recorded notifications out: each channel for itself, over a few lanes, so that one slow gateway holds up nobody
else, and one slow message few of its own."""

import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from labs.services.chassis import crash, logs, metrics, traces
from labs.services.chassis.database import Database
from labs.services.notification import store
from labs.services.notification.channels import Channel, Later, Refused, Send
from labs.services.notification.domain import EMAIL, PUSH, SMS, pause
from labs.services.notification.gateways import Gateway, push_message, text_message
from labs.services.notification.settings import Settings
from labs.services.notification.smtp import Smtp
from labs.services.notification.store import FAILED, PENDING, SENT, Notification

LANES = 4
"""Messages of one channel that are on their way at once."""
BATCH = 40
"""Messages of one look into the database."""
LONGEST_BATCH = 2.0
"""Seconds; then no other message is begun before the next look, so that a worker that stops need not wait long."""
ATTEMPTS = metrics.counter(
    "notification_attempts_total", "Attempts to send, by what became of the notification", ("channel", "status")
)
log = logs.get(__name__)


def channels(settings: Settings) -> dict[str, Channel]:
    """Those that there are; one of each for the process."""
    return {
        EMAIL: Smtp(settings.smtp_server),
        SMS: Gateway("SMS gateway", settings.sms_url, text_message),
        PUSH: Gateway("push gateway", settings.push_url, push_message),
    }


class Sending:
    """Over these channels; an unsent notification is given up after `patience` seconds or `most_attempts`."""

    def __init__(self, channels: Mapping[str, Channel], patience: float, most_attempts: int) -> None:
        self._channels, self._patience, self._most_attempts = channels, patience, most_attempts
        self._away: set[str] = set()  # channels that are known to be in trouble: it is said once

    def send(self, db: Database, channel: str) -> int:
        """What is due on this channel now; returns how many were tried. What fails is due again later."""
        with db.reading() as session:
            ids = deque(store.due(session, channel, BATCH))
        found, lanes, until = len(ids), min(LANES, len(ids)), time.monotonic() + LONGEST_BATCH
        if lanes == 0:
            return 0
        with ThreadPoolExecutor(lanes, thread_name_prefix=channel) as pool:
            for lane in [pool.submit(self._lane, db, channel, ids, until) for _ in range(lanes)]:
                lane.result()
        return found - len(ids)

    def _lane(self, db: Database, channel: str, ids: deque[str], until: float) -> None:
        with self._channels[channel].opened() as send:
            while ids and time.monotonic() < until:
                try:
                    notification_id = ids.popleft()
                except IndexError:  # another lane was faster
                    return
                with db.transaction() as tx:
                    notification = store.claim(tx, notification_id)
                if notification is not None:
                    with (
                        logs.correlated(notification.correlation_id),
                        traces.span(f"send {channel}", parent=notification.traceparent),
                    ):
                        self._attempt(db, notification, send)

    def _attempt(self, db: Database, notification: Notification, send: Send) -> None:
        status, reason = SENT, ""
        crash.point("before_call")
        try:
            send(notification)
        except Refused as error:
            status, reason = FAILED, str(error)
            traces.failed(error)
        except Later as error:
            status, reason = self._pending(notification), str(error)
            traces.failed(error)
        crash.point("after_call")
        with db.transaction() as tx:
            if status == SENT:
                store.sent(tx, notification)
            elif status == FAILED:
                store.fail(tx, notification, reason)
            else:
                store.postpone(tx, notification, pause(notification.attempts), reason)
        ATTEMPTS.labels(notification.channel, status).inc()
        self._say(notification, status, reason)

    def _pending(self, notification: Notification) -> str:
        """Or FAILED, after too many attempts or too long a time."""
        late = time.time() > notification.created_at + self._patience
        return FAILED if late or notification.attempts >= self._most_attempts else PENDING

    def _say(self, notification: Notification, status: str, reason: str) -> None:
        channel, known = notification.channel, {"notification": notification.id, "attempts": notification.attempts}
        if status == FAILED:
            log.warning(f"{channel} given up", reason=reason, **known)
        elif status == PENDING and channel not in self._away:
            self._away.add(channel)
            log.warning(f"{channel} waits", reason=reason, **known)
        elif status == SENT:
            self._away.discard(channel)
            log.info(f"{channel} sent", **known)
