"""Hands mails to the SMTP server, one connection a batch."""

import smtplib
from collections.abc import Iterable, Iterator
from email.message import EmailMessage

from labs.services.chassis import logs
from labs.services.notification.store import FAILED, SENT, Notification

TIMEOUT = 5.0
"""Seconds that the SMTP server has for each answer."""
SENDER = "orders@shop.example"
log = logs.get(__name__)
_away: set[str] = set()  # servers that are known to be away: it is said once


def deliver(address: str, notifications: Iterable[Notification]) -> Iterator[tuple[Notification, str]]:
    """Hand them to the server at host:port; yields each with SENT as soon as the server has taken it, or FAILED when it
    refuses it for good. The others are for another time. SMTP is at-least-once: if the server's answer, or our note of it,
    is lost, the mail goes out again with the same Message-ID."""
    waiting = list(notifications)
    if not waiting:
        return
    host, _, port = address.rpartition(":")
    try:
        with smtplib.SMTP(host, int(port), timeout=TIMEOUT) as server:
            for notification in waiting:
                if status := _send(server, notification):
                    yield notification, status
        _away.discard(address)
    except (OSError, smtplib.SMTPException) as error:
        if address not in _away:
            _away.add(address)
            log.warning("mails wait", waiting=len(waiting), reason=str(error))


def _send(server: smtplib.SMTP, notification: Notification) -> str:
    """SENT, FAILED, or empty if the server asks to come again. Raises OSError or SMTPException when it is away."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, notification.recipient, notification.subject
    mail["Message-ID"] = f"<{notification.id}@shop.example>"
    mail["X-Order-ID"] = notification.order_id
    mail.set_content(notification.body)
    try:
        server.send_message(mail, to_addrs=[notification.recipient])
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = error.recipients[notification.recipient][0], str(error)
    except smtplib.SMTPDataError as error:
        code, reason = error.smtp_code, str(error)
    else:
        return SENT
    if code < 500:
        return ""
    log.warning("mail refused for good", notification=notification.id, code=code, reason=reason)
    return FAILED
