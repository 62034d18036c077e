"""Events of notification-service: an order was confirmed or rejected, so its customer gets a mail."""

from nameko.timer import timer

from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.chassis.settings import Settings as ChassisSettings
from labs.services.chassis.settings import load
from labs.services.notification import smtp, store
from labs.services.notification.domain import message


class Settings(ChassisSettings):
    """And SMTP_SERVER, as host:port."""

    smtp_server: str


class NotificationWorker:
    """Listens to order-service. The mail is recorded with the event and sent after the commit."""

    name = "notification-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_confirmed")
    def confirmed(self, event, tx):
        """Good news."""
        self.record(event, tx)

    @handle_event("order-service", "order_rejected")
    def rejected(self, event, tx):
        """Bad news, with the reason."""
        self.record(event, tx)

    def record(self, event, tx):
        """The mail to send, once for each event."""
        order_id = event.data["order_id"]
        text = message(event.type, order_id, event.data.get("reason", ""))
        store.record(tx, event.id, order_id, event.data["customer_email"], text)

    @timer(interval=0.1)
    def send(self):
        """What is recorded and not sent yet; what the server does not take now is tried again next time."""
        with self.db.reading() as session:
            pending = store.pending(session)
        for notification, status in smtp.deliver(load(Settings).smtp_server, pending):
            with self.db.transaction() as tx:
                store.mark(tx, notification, status)
