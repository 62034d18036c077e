"""Handing notifications to the real thing: an SMTP server and gateways that are well, away, slow, refuse or hang up."""

import email
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from aiosmtpd.controller import Controller
from werkzeug.serving import make_server

from labs.services.notification.channels import Later, Refused
from labs.services.notification.gateways import Gateway, push_message, text_message
from labs.services.notification.sending import Sending
from labs.services.notification.smtp import Smtp
from labs.services.notification.store import Notification
from tests.services.unit.notification_stand import Notifications, notifications_at
from tests.services.unit.outside_stand import Outside, free_port, outside_at


class Server:
    """Answers by recipient: refused@ and later@ at RCPT, spam@ after the mail."""

    def __init__(self) -> None:
        self.mails: list[email.message.Message] = []
        self.connections, self.closed = 0, False

    async def handle_MAIL(self, _server, _session, envelope, address, options):
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "554 closed" if self.closed else "250 OK"

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        return responses

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
def server() -> Iterator[tuple[Smtp, Server]]:
    port, handler = free_port(), Server()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield Smtp(f"127.0.0.1:{port}"), handler
    controller.stop()


@pytest.fixture
def outside(tmp_path) -> Iterator[Outside]:
    with outside_at(f"sqlite:///{tmp_path}/outside.db") as world:
        yield world


@pytest.fixture
def service(tmp_path) -> Iterator[Notifications]:
    with notifications_at(f"sqlite:///{tmp_path}/notification.db") as notifications:
        notifications.profile(channels=["email"])
        notifications.hear("order_confirmed", "e-1")
        yield notifications


@pytest.fixture
def post(service, outside) -> Callable[[], None]:
    """Send what is due to the outside world's mail server, and what waits for another attempt too."""
    sending = Sending({"email": Smtp(outside.smtp)}, patience=3600, most_attempts=100)

    def now() -> None:
        service.hurry()
        sending.send(service.db, "email")

    return now


def mail(number: int, recipient: str = "a@example.org") -> Notification:
    words = {"subject": "Grüße", "body": "Alles da: ✓", "correlation_id": "c-1"}
    return Notification(id=f"e-{number}", order_id="o-1", recipient=recipient, **words)


def fate(send: Callable[[Notification], None], notification: Notification) -> str:
    try:
        send(notification)
    except (Refused, Later) as error:
        return f"{type(error).__name__}: {error}"
    return "sent"


def test_each_mail_has_its_own_fate(server):
    smtp, handler = server
    names = ["a", "refused", "b", "later", "spam", "c"]
    with smtp.opened() as send:
        fates = [fate(send, mail(number, f"{name}@example.org")) for number, name in enumerate(names)]
    assert fates == [
        "sent",
        "Refused: 550 no such user",
        "sent",
        "Later: 450 try again",
        "Refused: 554 not here",
        "sent",
    ]
    first = handler.mails[0]
    assert first["Message-ID"] == "<e-0@shop.example>"
    assert (first["X-Order-ID"], first["X-Correlation-ID"]) == ("o-1", "c-1")
    assert "✓" in first.get_payload(decode=True).decode()


def test_a_server_that_does_not_let_the_shop_in_refuses_no_mail_for_good(server):
    smtp, handler = server
    handler.closed = True
    with smtp.opened() as send:
        assert fate(send, mail(1)).startswith("Later: 554 closed")
        handler.closed = False
        assert fate(send, mail(1)) == "sent"


def test_mails_share_a_connection_while_nothing_fails(server):
    smtp, handler = server
    with smtp.opened() as send:
        assert [fate(send, mail(number)) for number in range(5)] == ["sent"] * 5
    assert (len(handler.mails), handler.connections) == (5, 1)


def test_an_address_that_would_be_another_header_is_refused_and_nobody_gets_it(server):
    smtp, handler = server
    with smtp.opened() as send:
        assert fate(send, mail(1, "a@b.c\r\nBcc: everybody@example.org")).startswith("Refused")
        assert fate(send, mail(2)) == "sent"
    assert [each["Message-ID"] for each in handler.mails] == ["<e-2@shop.example>"]


def test_a_server_that_is_away_means_later():
    with Smtp("127.0.0.1:1").opened() as send:
        assert fate(send, mail(1)).startswith("Later: ConnectionRefusedError")


def test_a_lane_that_nobody_uses_asks_nobody():
    with Smtp("nowhere:1").opened():
        pass


def test_a_mail_whose_answer_is_lost_goes_out_again_with_the_same_message_id(service, outside, post):
    outside.break_("smtp_drops")
    post()
    assert service.only().status == "pending" and "Disconnected" in service.only().error
    outside.mend()
    post()
    post()
    assert service.only().status == "sent"
    assert [each["message_id"] for each in outside.mails(order_id="o-1")] == ["<e-1-email@shop.example>"] * 2
    assert len(service.told("notification_sent")) == 1


def test_a_server_that_answers_too_late_is_not_waited_for(service, outside, post, monkeypatch):
    monkeypatch.setattr("labs.services.notification.smtp.TIMEOUT", 0.3)
    outside.break_("smtp_timeout_after")
    began = time.monotonic()
    post()
    assert time.monotonic() - began < 3
    assert service.only().status == "pending"


def test_a_server_that_says_later_gets_it_later_and_one_that_refuses_never(service, outside, post):
    outside.break_("smtp_refuses_for_now")
    post()
    assert (service.only().status, service.only().error) == ("pending", "451 Come again later")
    outside.mend()
    outside.break_("smtp_refuses")
    post()
    assert (service.only().status, service.only().error) == ("failed", "550 No such mailbox")
    assert outside.mails() == []


def test_a_server_that_was_away_gets_all_that_waited_once_it_is_back(service, outside, post):
    for number in range(2, 7):
        service.hear("order_confirmed", f"e-{number}")
    outside.stop()
    post()
    assert {each.status for each in service.all()} == {"pending"}
    outside.start()
    post()
    assert {each.status for each in service.all()} == {"sent"}
    assert len(outside.mails()) == 6


@pytest.fixture
def gateways(outside) -> Iterator[str]:
    """The outside world's HTTP, over a network."""
    http = make_server("127.0.0.1", 0, outside.app, threaded=True)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()


def test_messages_reach_the_phone_once_however_often_they_are_sent(gateways, outside):
    text = Gateway("SMS gateway", f"{gateways}/sms", text_message)
    push = Gateway("push gateway", f"{gateways}/push", push_message)
    for _ in range(2):
        with text.opened() as send:
            assert fate(send, mail(1, "+4915112345678")) == "sent"
        with push.opened() as send:
            assert fate(send, mail(2, "device-1")) == "sent"
    [on_phone] = outside.ask("GET", "/sms/messages").json
    assert (on_phone["key"], on_phone["to"], on_phone["text"]) == ("e-1", "+4915112345678", "Alles da: ✓")
    [on_device] = outside.ask("GET", "/push/messages").json
    assert (on_device["key"], on_device["device_token"], on_device["title"]) == ("e-2", "device-1", "Grüße")


@pytest.mark.parametrize(
    ("fault", "expected"), [("sms_500", "Later"), ("sms_busy", "Later"), ("sms_refuses", "Refused: 422")]
)
def test_a_gateway_in_trouble_means_later_and_one_that_refuses_never(gateways, outside, fault, expected):
    outside.break_(fault)
    with Gateway("SMS gateway", f"{gateways}/sms", text_message).opened() as send:
        assert fate(send, mail(1, "+4915112345678")).startswith(expected)
    assert outside.ask("GET", "/sms/messages").json == []


def test_a_gateway_that_is_away_means_later():
    with Gateway("SMS gateway", "http://127.0.0.1:1/sms", text_message).opened() as send:
        assert fate(send, mail(1, "+4915112345678")).startswith("Later")


def test_a_number_that_no_gateway_takes_is_refused_for_good(gateways):
    with Gateway("SMS gateway", f"{gateways}/sms", text_message).opened() as send:
        assert fate(send, mail(1, "not a number")).startswith("Refused: 422")
