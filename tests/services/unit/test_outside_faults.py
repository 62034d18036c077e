"""Faults: named, described, switched while everything runs; and what each kind of them does."""

import smtplib
import time
from collections.abc import Iterator

import pytest
import requests

from labs.services.outside.faults import FAULTS, LATENCY
from tests.services.unit import outside_stand
from tests.services.unit.outside_stand import Outside, Process, outside_at


@pytest.fixture
def outside(tmp_path) -> Iterator[Outside]:
    with outside_at(f"sqlite:///{tmp_path}/outside.db") as world:
        yield world


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Process]:
    process = Process(tmp_path_factory.mktemp("outside"))
    yield process
    process.stop()


@pytest.fixture
def process(running) -> Iterator[Process]:
    yield running
    running.ask("DELETE", "/faults")


def test_every_fault_says_what_it_breaks_and_none_is_on(outside):
    items = outside.ask("GET", "/faults").json["items"]
    assert [each["name"] for each in items] == list(FAULTS)
    assert {each["gateway"] for each in items} == set(LATENCY)
    for each in items:
        assert each["description"] and each["name"].startswith(each["gateway"])
        assert not each["on"]


@pytest.mark.parametrize("name", list(FAULTS))
def test_every_fault_breaks_something(name):
    fault = FAULTS[name]
    assert fault.before or fault.after or fault.status or fault.silent or fault.twist


def test_a_fault_is_switched_on_and_off_and_so_are_all(outside):
    outside.break_("payments_slow", seconds=0.5, every=2)
    slow = outside.fault("payments_slow")
    assert (slow["on"], slow["seconds"], slow["every"], slow["requests"]) == (True, 0.5, 2, 0)
    assert outside.ask("PUT", "/faults/payments_slow", {"on": False}).json["seconds"] == FAULTS["payments_slow"].seconds
    assert not outside.fault("payments_slow")["on"]
    outside.break_("sms_500")
    outside.break_("smtp_drops")
    outside.mend()
    assert not any(each["on"] for each in outside.ask("GET", "/faults").json["items"])


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("payments_on_fire", {"on": True}, 404, "There are: payments_slow"),
        ("payments_500", {"on": True, "seconds": 1}, 422, "has no seconds"),
        ("payments_slow", {}, 422, "on"),
        ("payments_slow", {"on": "yes"}, 422, "on"),
        ("payments_slow", {"on": True, "seconds": -1}, 422, "seconds"),
        ("payments_slow", {"on": True, "every": 0}, 422, "every"),
        ("payments_slow", {"on": True, "colour": "red"}, 422, "colour"),
    ],
)
def test_what_no_fault_can_do_is_refused_in_words(outside, name, body, status, words):
    answer = outside.ask("PUT", f"/faults/{name}", body)
    assert answer.status_code == status and words in answer.json["detail"]


def test_what_is_on_is_known_to_the_next_process(outside):
    outside.break_("payments_500")
    outside.stop()
    outside.start()
    assert outside.charge("k-1").status_code == 500


def test_a_refusal_does_nothing_so_the_same_key_is_charged_afterwards(outside):
    outside.break_("payments_500")
    assert outside.charge("k-1").status_code == 500
    outside.mend()
    outside.break_("payments_busy")
    busy = outside.charge("k-1")
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "1")
    assert outside.book()["charges"] == []
    outside.mend()
    assert outside.charge("k-1").status_code == 201


def test_every_third_request_means_every_third(outside):
    outside.break_("payments_500", every=3)
    assert [outside.charge(f"k-{n}").status_code for n in range(7)] == [201, 201, 500, 201, 201, 500, 201]
    assert outside.fault("payments_500")["requests"] == 7


def test_a_fault_of_one_gateway_leaves_the_others_and_the_books_alone(outside):
    for name in ("sms_500", "push_500", "carrier_500"):
        outside.break_(name)
    assert outside.charge("k-1").status_code == 201
    assert outside.ship("s-1").status_code == 500
    assert outside.ask("GET", "/carrier/shipments").json == []
    assert outside.ask("GET", "/sms/messages").json == []


def test_the_provider_declines_every_card_while_it_is_told_to(outside):
    outside.break_("payments_declines")
    assert outside.charge("k-1").status_code == 402
    outside.mend()
    assert outside.charge("k-2").status_code == 201


def test_the_carrier_misses_a_line_or_everything(outside):
    outside.break_("carrier_misses_a_line")
    partly = outside.ship("s-1").json
    assert [line["sku"] for line in partly["shipped"]] == ["cup"]
    assert [line["sku"] for line in partly["missing"]] == ["tea"]
    assert partly["tracking_code"]
    outside.mend()
    outside.break_("carrier_ships_nothing")
    nothing = outside.ship("s-2").json
    assert (nothing["shipped"], nothing["tracking_code"]) == ([], "")
    assert nothing["missing"] == outside_stand.LINES
    assert outside.ship("s-1").json == partly


def test_a_timeout_after_doing_it_has_done_it(process):
    process.break_("payments_timeout_after")
    with pytest.raises(requests.Timeout):
        process.charge("late", timeout=1)
    assert "late" in process.charged()


def test_threads_that_wait_for_clients_who_have_gone_are_free_again(process):
    process.break_("payments_timeout_after")
    for number in range(10):  # more than there are threads
        with pytest.raises(requests.Timeout):
            process.charge(f"gone-{number}", timeout=0.5)
    began = time.monotonic()
    assert process.ask("GET", "/faults", timeout=10).ok
    assert time.monotonic() - began < 5


def test_a_dropped_connection_has_done_it_and_the_same_key_then_hears_the_answer(process):
    process.break_("payments_drops_every_3rd")
    fates = []
    for number in range(4):
        try:
            fates.append(process.charge(f"dropped-{number}").status_code)
        except requests.ConnectionError:
            fates.append(0)
    assert fates == [201, 201, 0, 201]
    process.ask("DELETE", "/faults")
    assert process.charge("dropped-2").status_code == 201
    assert [key for key in process.charged() if key.startswith("dropped")] == [f"dropped-{n}" for n in range(4)]


def test_a_slow_charge_comes_late_whether_or_not_anybody_waits(process):
    process.break_("payments_slow", seconds=1.5)
    with pytest.raises(requests.Timeout):
        process.charge("slow", timeout=0.5)
    assert "slow" not in process.charged()
    deadline = time.monotonic() + 10
    while "slow" not in process.charged():
        assert time.monotonic() < deadline, "the late charge never came"
        time.sleep(0.05)


@pytest.mark.parametrize(("fault", "code"), [("smtp_refuses_for_now", 451), ("smtp_refuses", 550)])
def test_a_mail_that_is_refused_is_not_there(outside, fault, code):
    outside.break_(fault)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        outside_stand.mail(outside.smtp)
    assert refused.value.smtp_code == code
    assert outside.mails() == []


def test_a_mail_whose_sender_gets_no_answer_is_there(outside):
    outside.break_("smtp_drops")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        outside_stand.mail(outside.smtp)
    outside.mend()
    outside.break_("smtp_timeout_after")
    with pytest.raises(OSError, match="timed out"):
        outside_stand.mail(outside.smtp, number=2, timeout=0.5)
    assert [each["message_id"] for each in outside.mails()] == ["<m-1@x>", "<m-2@x>"]


def test_a_slow_mail_server_is_slow(outside):
    outside.break_("smtp_slow", seconds=0.4)
    began = time.monotonic()
    outside_stand.mail(outside.smtp)
    assert time.monotonic() - began >= 0.4
    assert len(outside.mails()) == 1
