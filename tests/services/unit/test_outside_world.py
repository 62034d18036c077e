"""The carrier, the phones and the mail server when nothing is wrong with them."""

import smtplib
import time
from collections.abc import Iterator

import pytest

from labs.services.chassis.database import Database
from labs.services.outside.store import Mail
from tests.services.unit.outside_stand import LINES, Outside, mail, outside_at
from tests.services.unit.user_stand import at_once


@pytest.fixture
def outside(tmp_path) -> Iterator[Outside]:
    with outside_at(f"sqlite:///{tmp_path}/outside.db") as world:
        yield world


def test_twenty_identical_shipments_at_once_are_one_parcel(outside):
    answers = at_once(lambda _: outside.ship("s-1"), 20)
    assert {answer.status_code for answer in answers} == {201}
    [parcel] = outside.ask("GET", "/carrier/shipments").json
    assert {answer.json["tracking_code"] for answer in answers} == {parcel["tracking_code"]}
    assert (parcel["order_id"], parcel["shipped"], parcel["missing"]) == ("o-1", LINES, [])


def test_shipments_are_listed_by_order(outside):
    outside.ship("s-1")
    assert len(outside.ask("GET", "/carrier/shipments", query_string={"order_id": "o-1"}).json) == 1
    assert outside.ask("GET", "/carrier/shipments", query_string={"order_id": "o-2"}).json == []


@pytest.mark.parametrize(
    ("gateway", "body", "receiver"),
    [
        ("sms", {"to": "+4915112345678", "text": "Your parcel is here ✓"}, "to"),
        ("push", {"device_token": "device-1", "title": "Parcel", "text": "It is here"}, "device_token"),
    ],
)
def test_a_message_with_the_same_key_arrives_once(outside, gateway, body, receiver):
    answers = at_once(lambda _: outside.ask("POST", f"/{gateway}/messages", body, "n-1", headers={}), 10)
    assert {answer.status_code for answer in answers} == {201}
    other = body | {"text": "Something else"}
    assert outside.ask("POST", f"/{gateway}/messages", other, "n-1", headers={}).status_code == 422
    outside.ask("POST", f"/{gateway}/messages", other, "n-2", headers={})
    arrived = outside.ask("GET", f"/{gateway}/messages", query_string={receiver: body[receiver]}, headers={}).json
    assert [(each["key"], each["text"]) for each in arrived] == [("n-1", body["text"]), ("n-2", "Something else")]
    assert body.items() <= arrived[0].items()
    assert outside.ask("GET", f"/{gateway}/messages", query_string={receiver: "+4900000000"}).json == []


@pytest.mark.parametrize(
    "path", ["/mails?to=%00", "/mails?colour=red", "/sms/messages?to=%00", "/push/messages?device_token=%00"]
)
def test_a_question_that_no_mail_and_no_phone_can_answer_is_refused(outside, path):
    assert outside.ask("GET", path).status_code == 422


@pytest.mark.parametrize("text", ["", "a\0b", "x" * 1601, None, 5])
def test_a_text_message_is_text(outside, text):
    assert outside.ask("POST", "/sms/messages", {"to": "+4915112345678", "text": text}, "n-1").status_code == 422


@pytest.mark.parametrize("number", ["015112345678", "+0151", "+49 151", "", None, "+4915112345678901234"])
def test_a_text_message_needs_a_phone_number(outside, number):
    assert outside.ask("POST", "/sms/messages", {"to": number, "text": "x"}, "n-1").status_code == 422


def test_a_mail_is_shown_as_its_reader_sees_it_under_its_correlation_id(outside, capsys):
    mail(outside.smtp, "ä.b@example.org".replace("ä", "a"), 7)
    expected = {
        "to": "a.b@example.org",
        "subject": "Grüße 7",
        "message_id": "<m-7@x>",
        "order_id": "o-7",
        "body": "Alles da: ✓",
    }
    assert outside.mails() == [expected]
    [line] = [line for line in capsys.readouterr().out.splitlines() if "mail arrived" in line]
    assert '"correlation_id":"c-1"' in line


def test_mails_are_found_by_recipient_and_by_order_and_can_be_cleared(outside):
    for number, name in enumerate("aba"):
        mail(outside.smtp, f"{name}@example.org", number)
    assert [each["order_id"] for each in outside.mails(to="a@example.org")] == ["o-0", "o-2"]
    assert [each["to"] for each in outside.mails(order_id="o-1")] == ["b@example.org"]
    assert outside.mails(to="a@example.org", order_id="o-1") == []
    assert outside.ask("DELETE", "/mails").status_code == 204
    assert outside.mails() == []


STRANGE = {
    "no header at all": b"hello",
    "an unknown charset": b"To: a@b.c\r\nContent-Type: text/plain; charset=klingon\r\n\r\n\xff",
    "no text part": b"To: a@b.c\r\nContent-Type: text/html\r\n\r\n<p>x",
    "bytes that are no text": b"To: a@b.c\r\nSubject: \xff\xfe\r\n\r\n\xff\xfe",
    "half an address": b'To: "\r\nSubject: =?utf-8?q?=FF?=\r\n\r\nx',
    "a broken message id": b"To: a@b.c\r\nMessage-ID: <[>\r\n\r\nx",
    "a recipient of 5,000 characters": b"To: " + b"a" * 5000 + b"@b.c\r\n\r\nx",
    "a part in a part in a part": b"To: a@b.c\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
}


@pytest.mark.parametrize("raw", STRANGE.values(), ids=STRANGE)
def test_a_strange_mail_is_taken_or_refused_and_spoils_nothing(outside, raw):
    mail(outside.smtp)
    host, _, port = outside.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=10) as server:
        try:
            server.sendmail("a@b.c", ["a@b.c"], raw)
            taken = 1
        except smtplib.SMTPDataError as refused:
            assert refused.smtp_code in (500, 554), refused
            taken = 0
    mail(outside.smtp, number=2)
    assert len(outside.mails()) == 2 + taken


def test_finding_the_mails_of_one_order_among_ten_thousand_costs_little_of_listing_all(outside):
    db = Database(outside.url)
    with db.transaction() as tx:
        for number in range(10_000):
            whose = {"to": f"c-{number}@example.org", "order_id": f"o-{number}"}
            tx.add(Mail(**whose, subject="Your order", message_id=f"<{number}@x>", body="It is on its way. " * 20))
    db.engine.dispose()

    def seconds(**wanted: str) -> tuple[float, int]:
        took, found = [], []
        for _ in range(3):
            began = time.perf_counter()
            found = outside.mails(**wanted)
            took.append(time.perf_counter() - began)
        return min(took), len(found)

    everything, all_of_them = seconds()
    one, found = seconds(order_id="o-9999")
    assert (all_of_them, found) == (10_000, 1)
    assert one < everything / 10, f"one order {one:.4f} s, all mails {everything:.4f} s"
    assert everything < 5
