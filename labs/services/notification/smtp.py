"""Email: hands mails to the SMTP server, over one connection for many of them.

SMTP is at-least-once: if the server's answer, or our note of it, is lost, the mail goes out again with the same Message-ID."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage

from opentelemetry.trace import SpanKind

from labs.services.chassis import traces
from labs.services.notification.channels import TIMEOUT, Later, Refused, Send
from labs.services.notification.store import Notification

SENDER = "orders@shop.example"
FAILURES = (OSError, smtplib.SMTPException, ValueError)
"""ValueError: an address or a subject that no mail can carry."""


class Smtp:
    """The server at host:port."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)

    @contextmanager
    def opened(self) -> Iterator[Send]:
        """A connection, made when the first mail goes out, and anew after each failure."""
        lane = _Lane(self._host, self._port)
        try:
            yield lane.send
        finally:
            lane.close()


class _Lane:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._server: smtplib.SMTP | None = None

    def send(self, notification: Notification) -> None:
        """Raises Refused, Later."""
        where = {"server.address": self._host, "server.port": self._port, "network.protocol.name": "smtp"}
        with traces.span("SMTP", SpanKind.CLIENT, where):
            try:
                self._hand_over(notification)
            except FAILURES as error:
                self.close()
                raise _meaning(error) from None

    def _hand_over(self, notification: Notification) -> None:
        mail = _mail(notification)
        if self._server is None:
            self._server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT)
        self._server.send_message(mail, to_addrs=[notification.recipient])

    def close(self) -> None:
        """The server hears it, if it still listens."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()


def _meaning(error: Exception) -> Refused | Later:
    """Only what the server says of this recipient or this mail is for good; that it does not let us in may change."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        return (Refused if code >= 500 else Later)(_text(code, words))
    if isinstance(error, smtplib.SMTPDataError):
        return (Refused if error.smtp_code >= 500 else Later)(_text(error.smtp_code, error.smtp_error))
    if isinstance(error, smtplib.SMTPResponseException):
        return Later(_text(error.smtp_code, error.smtp_error))
    never = isinstance(error, (ValueError, smtplib.SMTPNotSupportedError))
    return (Refused if never else Later)(f"{type(error).__name__}: {error}")


def _text(code: int, words: bytes | str) -> str:
    return f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"


def _mail(notification: Notification) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, notification.recipient, notification.subject
    mail["Message-ID"] = f"<{notification.id}@shop.example>"
    mail["X-Order-ID"] = notification.order_id
    mail["X-Correlation-ID"] = notification.correlation_id
    mail.set_content(notification.body)
    return mail
