"""notification-service alone: its event handlers without a broker, its senders without a network or with the real one."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from labs.services.chassis.database import Database
from labs.services.chassis.events import Event
from labs.services.chassis.migrate import migrate
from labs.services.chassis.outbox import outbox
from labs.services.chassis.settings import Settings
from labs.services.notification import contacts
from labs.services.notification.api import create_app
from labs.services.notification.channels import Channel, Send
from labs.services.notification.sending import Sending
from labs.services.notification.store import Notification
from labs.services.notification.worker import NotificationWorker
from tests.services.tokens import KEYS

DAY = 86_400.0
CUSTOMER = {
    "user_id": "u-1",
    "version": 1,
    "name": "Ann",
    "email": "ann@example.org",
    "phone": "+4915112345678",
    "device_token": "device-1",
    "channels": ["email"],
}


class Scripted:
    """A channel that does with each notification what the test says."""

    def __init__(self, does: Callable[[Notification], None] = lambda _: None) -> None:
        self._does = does
        self.taken: list[str] = []

    @contextmanager
    def opened(self) -> Iterator[Send]:
        """One lane."""
        yield self._send

    def _send(self, notification: Notification) -> None:
        self._does(notification)
        self.taken.append(notification.id)


class Notifications:
    """The service, and a look behind it."""

    def __init__(self, url: str) -> None:
        self.url = url
        migrate("notification", self.url)
        self.db = Database(self.url)
        self.worker = NotificationWorker()
        self.worker.db = self.db

    def profile(self, event_type: str = "user_registered", **changes: Any) -> None:
        """user-service tells of a customer."""
        handlers = {"user_registered": self.worker.registered, "profile_changed": self.worker.changed}
        handlers[event_type](Event("user-service", event_type, CUSTOMER | changes))

    def hear(self, event_type: str, event_id: str = "", **data: Any) -> None:
        """order-service tells what became of an order; without an id it is an event of its own."""
        handlers = {
            "order_confirmed": self.worker.confirmed,
            "order_paid": self.worker.paid,
            "order_fulfilled": self.worker.fulfilled,
            "order_rejected": self.worker.rejected,
            "order_cancelled": self.worker.cancelled,
        }
        more = {"id": event_id} if event_id else {}
        said = {"order_id": "o-1", "customer_id": "u-1", **data}
        handlers[event_type](Event("order-service", event_type, said, correlation_id="c-1", **more))

    def address(self, patience: float = DAY) -> None:
        """What the worker does with events whose customer was not known."""
        with self.db.transaction() as tx:
            contacts.address(tx, patience)

    def sending(self, channels: Mapping[str, Channel], patience: float = DAY, most_attempts: int = 1000) -> Sending:
        """Over these channels."""
        return Sending(channels, patience, most_attempts)

    def all(self) -> list[Notification]:
        """Oldest first."""
        with self.db.reading() as session:
            return list(session.scalars(select(Notification).order_by(Notification.position)))

    def only(self) -> Notification:
        """The one that there is."""
        [notification] = self.all()
        return notification

    def told(self, event_type: str) -> list[dict[str, Any]]:
        """The data of these events, oldest first."""
        with self.db.reading() as session:
            return list(
                session.scalars(select(outbox.c.data).where(outbox.c.type == event_type).order_by(outbox.c.position))
            )

    def hurry(self) -> None:
        """What waits for another attempt, or for the end of a lease, has waited long enough."""
        with self.db.transaction() as tx:
            tx.execute(update(Notification).values(due_at=time.time()))

    def ask(self, path: str, headers: dict[str, str], **wanted: Any) -> TestResponse:
        """Over HTTP."""
        app = create_app(Settings(service="notification-service", database_url=self.url), KEYS)
        return app.test_client().get(path, headers=headers, query_string=wanted)


@contextmanager
def notifications_at(url: str) -> Iterator[Notifications]:
    """It, and pytest's own logging as it was."""
    handlers = logging.getLogger().handlers
    notifications = Notifications(url)
    yield notifications
    notifications.db.engine.dispose()
    logging.getLogger().handlers = handlers
    structlog.reset_defaults()
