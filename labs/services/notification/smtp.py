"""Hands mails to the SMTP server, one connection a batch."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from labs.services.notification.store import Notification

TIMEOUT = 5.0
"""Seconds that the SMTP server has for each answer."""
SENDER = "orders@shop.example"


@contextmanager
def connected(address: str) -> Iterator[smtplib.SMTP]:
    """A session with the server at host:port. Raises OSError or smtplib.SMTPException."""
    host, _, port = address.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=TIMEOUT) as server:
        yield server


def send(server: smtplib.SMTP, notification: Notification) -> None:
    """Returns when the server has taken the mail. SMTP is at-least-once: if the answer is lost the mail goes out again, with
    the same Message-ID."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, notification.recipient, notification.subject
    mail["Message-ID"] = f"<{notification.id}@shop.example>"
    mail["X-Order-ID"] = notification.order_id
    mail.set_content(notification.body)
    server.send_message(mail)
