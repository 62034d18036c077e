"""Events of notification-service: an order was confirmed or rejected, so its customer gets a mail."""

import smtplib

from nameko.timer import timer

from labs.services.chassis import logs
from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.chassis.settings import Settings as ChassisSettings
from labs.services.chassis.settings import load
from labs.services.notification import smtp, store
from labs.services.notification.domain import message

log = logs.get(__name__)


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
        """What is recorded and not sent; what the server refuses now is tried again next time."""
        with self.db.reading() as session:
            pending = store.pending(session)
        if not pending:
            return
        try:
            with smtp.connected(load(Settings).smtp_server) as server:
                for notification in pending:
                    smtp.send(server, notification)
                    with self.db.transaction() as tx:
                        store.mark_sent(tx, notification)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("mails wait", waiting=len(pending), reason=str(error))
