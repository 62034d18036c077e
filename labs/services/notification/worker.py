"""Events of notification-service: what became of an order, so its customer is told, by the channels that the customer chose."""

from functools import cache

from nameko.timer import timer

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.chassis.settings import load
from labs.services.notification import contacts
from labs.services.notification.domain import EMAIL, PUSH, SMS
from labs.services.notification.events import OrderNews, Profile
from labs.services.notification.sending import Sending, channels
from labs.services.notification.settings import Settings


@cache
def sending() -> Sending:
    """The one of this process: it knows which channels are in trouble."""
    settings = load(Settings)
    return Sending(channels(settings), settings.notification_patience, settings.notification_attempts)


class NotificationWorker:
    """Listens to order-service and to user-service. A notification is recorded with the event and sent after the commit."""

    name = "notification-service"
    db = ServiceDatabase()

    @handle_event("user-service", "user_registered")
    def registered(self, event, tx):
        """Somebody who can be told."""
        contacts.learn(tx, Profile.model_validate(event.data))

    @handle_event("user-service", "profile_changed")
    def changed(self, event, tx):
        """From now on in another way."""
        contacts.learn(tx, Profile.model_validate(event.data))

    @handle_event("order-service", "order_confirmed")
    def confirmed(self, event, tx):
        """Good news."""
        self.record(event, tx)

    @handle_event("order-service", "order_paid")
    def paid(self, event, tx):
        """The receipt."""
        self.record(event, tx)

    @handle_event("order-service", "order_fulfilled")
    def fulfilled(self, event, tx):
        """The best news, with the tracking code."""
        self.record(event, tx)

    @handle_event("order-service", "order_rejected")
    def rejected(self, event, tx):
        """Bad news, with the reason."""
        self.record(event, tx)

    @handle_event("order-service", "order_cancelled")
    def cancelled(self, event, tx):
        """The money goes back."""
        self.record(event, tx)

    def record(self, event, tx):
        """What the customer is to be told; an event without what that needs becomes a dead letter."""
        contacts.record(tx, event.id, event.type, OrderNews.model_validate(event.data))

    @timer(interval=0.5)
    def address(self):
        """Events whose customer was not known when they came."""
        with self.db.reading() as session:
            if not contacts.waiting(session):
                return
        with self.db.transaction() as tx:
            contacts.address(tx, load(Settings).notification_patience)

    @timer(interval=0.1)
    def send_mails(self):
        """Each channel has its own timer: none waits for another."""
        sending().send(self.db, EMAIL)

    @timer(interval=0.1)
    def send_text_messages(self):
        """To phones."""
        sending().send(self.db, SMS)

    @timer(interval=0.1)
    def send_push_messages(self):
        """To apps."""
        sending().send(self.db, PUSH)
