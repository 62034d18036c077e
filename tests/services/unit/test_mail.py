"""Handing mails to a real SMTP server: sent, refused for good, or for another time; one of them never holds up the others."""

import email
import socket
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller

from labs.services.notification import smtp
from labs.services.notification.store import FAILED, SENT, Notification


class Server:
    """Answers by recipient: refused@ and later@ at RCPT, spam@ after the mail."""

    def __init__(self) -> None:
        self.mails: list[email.message.Message] = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if answer := {"refused": "550 no such user", "later": "450 try again"}.get(address.partition("@")[0]):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        if envelope.rcpt_tos[0].startswith("spam"):
            return "554 not here"
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[str, Server]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    handler = Server()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield f"127.0.0.1:{port}", handler
    controller.stop()


def mail(number: int, recipient: str) -> Notification:
    return Notification(id=f"e-{number}", order_id="o-1", recipient=recipient, subject="Grüße", body="Alles da: ✓")


def test_each_mail_has_its_own_fate(server):
    address, handler = server
    names = ["a", "refused", "b", "later", "spam", "c"]
    mails = [mail(number, f"{name}@example.org") for number, name in enumerate(names)]
    fates = [(notification.id, status) for notification, status in smtp.deliver(address, mails)]
    assert fates == [("e-0", SENT), ("e-1", FAILED), ("e-2", SENT), ("e-4", FAILED), ("e-5", SENT)]
    first = handler.mails[0]
    assert first["Message-ID"] == "<e-0@shop.example>"
    assert first["X-Order-ID"] == "o-1"
    assert "✓" in first.get_payload(decode=True).decode()


def test_a_mail_is_told_as_sent_before_the_next_one_is_handed_over(server):
    address, handler = server
    delivering = smtp.deliver(address, [mail(n, "a@example.org") for n in range(3)])
    next(delivering)
    assert len(handler.mails) == 1
    delivering.close()
    assert len(handler.mails) == 1


def test_a_server_that_is_away_is_said_once_and_raises_nothing(capsys):
    for _ in range(3):
        assert list(smtp.deliver("127.0.0.1:1", [mail(1, "a@example.org")])) == []
    assert capsys.readouterr().out.count("mails wait") == 1


def test_nothing_to_send_asks_nobody():
    assert list(smtp.deliver("nowhere:1", [])) == []
