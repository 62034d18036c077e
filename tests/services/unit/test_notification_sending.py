"""Carrying notifications out: once, again after a failure, never for ever; and no channel waits for another."""

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import update

from labs.services.notification import store
from labs.services.notification.channels import Later, Refused
from labs.services.notification.domain import LONGEST_PAUSE
from labs.services.notification.store import LEASE, Notification
from tests.services.unit.notification_stand import Notifications, Scripted, notifications_at
from tests.services.unit.user_stand import at_once


@pytest.fixture
def service(tmp_path) -> Iterator[Notifications]:
    with notifications_at(f"sqlite:///{tmp_path}/notification.db") as notifications:
        notifications.profile(channels=["email", "sms"])
        yield notifications


@pytest.fixture
def service_on_each(database_url) -> Iterator[Notifications]:
    with notifications_at(database_url) as notifications:
        notifications.profile(channels=["email"])
        yield notifications


def later(_notification: Notification) -> None:
    raise Later("come again")


def refused(_notification: Notification) -> None:
    raise Refused("no such mailbox")


def status(service: Notifications, channel: str = "email") -> list[tuple[str, int]]:
    return [(each.status, each.attempts) for each in service.all() if each.channel == channel]


def test_what_is_sent_is_marked_told_and_never_sent_again(service, capsys):
    service.hear("order_confirmed", "e-1")
    channel = Scripted()
    sending = service.sending({"email": channel})
    assert sending.send(service.db, "email") == 1
    assert sending.send(service.db, "email") == 0
    assert channel.taken == ["e-1-email"]
    assert status(service) == [("sent", 1)]
    told = {"order_id": "o-1", "channel": "email", "notification_id": "e-1-email"}
    assert service.told("notification_sent") == [told]
    assert "ann@example.org" not in capsys.readouterr().out


def test_what_fails_for_now_is_due_again_after_pauses_that_grow(service):
    service.hear("order_confirmed")
    sending = service.sending({"email": Scripted(later)})
    waits = []
    for _ in range(4):
        began = time.time()
        assert sending.send(service.db, "email") == 1
        assert sending.send(service.db, "email") == 0, "it is not due yet"
        waits.append(next(each.due_at for each in service.all() if each.channel == "email") - began)
        service.hurry()
    assert [round(wait) for wait in waits[1:]] == [1, 2, 4]
    assert status(service) == [("pending", 4)]
    assert all(each.error == "come again" for each in service.all() if each.channel == "email")
    assert service.told("notification_failed") == []
    channel = Scripted()
    service.sending({"email": channel}).send(service.db, "email")
    assert status(service) == [("sent", 5)] and len(channel.taken) == 1


def test_what_is_refused_for_good_is_given_up_at_once_and_said(service):
    service.hear("order_confirmed", "e-1")
    service.sending({"email": Scripted(refused)}).send(service.db, "email")
    assert status(service) == [("failed", 1)]
    [told] = service.told("notification_failed")
    assert (told["notification_id"], told["reason"]) == ("e-1-email", "no such mailbox")


def test_what_fails_too_often_is_given_up(service):
    service.hear("order_confirmed")
    sending = service.sending({"email": Scripted(later)}, most_attempts=3)
    for _ in range(3):
        service.hurry()
        sending.send(service.db, "email")
    assert status(service) == [("failed", 3)]
    assert len(service.told("notification_failed")) == 1


def test_what_is_too_old_is_given_up_after_one_last_attempt(service):
    service.hear("order_confirmed")
    with service.db.transaction() as tx:
        tx.execute(update(Notification).values(created_at=time.time() - 61))
    service.sending({"email": Scripted(later)}, patience=60).send(service.db, "email")
    service.sending({"sms": Scripted()}, patience=60).send(service.db, "sms")
    assert status(service) == [("failed", 1)]
    assert status(service, "sms") == [("sent", 1)]


def test_a_channel_that_hangs_holds_up_no_other(service):
    service.hear("order_confirmed")
    hangs, go = threading.Event(), threading.Event()

    def hang(_notification: Notification) -> None:
        hangs.set()
        assert go.wait(20)

    sending = service.sending({"email": Scripted(hang), "sms": Scripted()})
    hanging = threading.Thread(target=sending.send, args=(service.db, "email"))
    hanging.start()
    assert hangs.wait(10)
    sending.send(service.db, "sms")
    assert status(service, "sms") == [("sent", 1)]
    assert status(service) == [("pending", 1)]
    go.set()
    hanging.join(20)
    assert status(service) == [("sent", 1)]


def test_one_hanging_message_holds_up_few_of_its_own_channel(service):
    for number in range(12):
        service.hear("order_confirmed", f"e-{number}")
    go, done = threading.Event(), threading.Event()
    others: list[str] = []

    def hang_once(notification: Notification) -> None:
        if notification.id.startswith("e-0-"):
            assert go.wait(20)
            return
        others.append(notification.id)
        if len(others) == 11:
            done.set()

    hanging = threading.Thread(target=service.sending({"email": Scripted(hang_once)}).send, args=(service.db, "email"))
    hanging.start()
    assert done.wait(10), f"only {len(others)} of 11 others were sent"
    go.set()
    hanging.join(20)
    assert status(service) == [("sent", 1)] * 12


def test_a_slow_channel_stops_for_a_moment_before_all_is_sent_and_then_goes_on(service, monkeypatch):
    for number in range(12):
        service.hear("order_confirmed", f"e-{number}")
    monkeypatch.setattr("labs.services.notification.sending.LONGEST_BATCH", 0.1)
    channel = Scripted(lambda _: time.sleep(0.06))
    sending = service.sending({"email": channel})
    tried = sending.send(service.db, "email")
    assert 0 < tried == len(channel.taken) < 12
    while sending.send(service.db, "email"):
        assert len(channel.taken) <= 12
    assert sorted(channel.taken) == sorted(f"e-{number}-email" for number in range(12))


def test_two_workers_send_each_notification_once(service_on_each):
    for number in range(30):
        service_on_each.hear("order_confirmed", f"e-{number}")
    channel = Scripted()
    at_once(lambda _: service_on_each.sending({"email": channel}).send(service_on_each.db, "email"), 2)
    assert len(channel.taken) == len(set(channel.taken)) == 30
    assert len(service_on_each.told("notification_sent")) == 30


def test_what_a_dead_worker_had_begun_is_begun_again_when_its_lease_is_over(service):
    service.hear("order_confirmed", "e-1")
    with service.db.transaction() as tx:
        assert store.claim(tx, "e-1-email") is not None
    channel = Scripted()
    sending = service.sending({"email": channel})
    assert sending.send(service.db, "email") == 0
    assert 0 < next(each.due_at for each in service.all() if each.channel == "email") - time.time() <= LEASE
    service.hurry()
    sending.send(service.db, "email")
    assert channel.taken == ["e-1-email"] and status(service) == [("sent", 2)]


def test_who_comes_too_late_with_an_answer_changes_nothing_and_tells_nothing(service_on_each):
    service_on_each.hear("order_confirmed", "e-1")
    with service_on_each.db.transaction() as tx:
        first = store.claim(tx, "e-1-email")
    assert first is not None
    with service_on_each.db.transaction() as tx:
        store.sent(tx, first)
    with service_on_each.db.transaction() as tx:
        store.sent(tx, first)
        store.fail(tx, first, "too late")
        store.postpone(tx, first, LONGEST_PAUSE, "too late")
    assert status(service_on_each) == [("sent", 1)]
    assert len(service_on_each.told("notification_sent")) == 1 and service_on_each.told("notification_failed") == []


def test_a_channel_in_trouble_is_said_once_until_it_is_well_again(service, capsys):
    for number in range(3):
        service.hear("order_confirmed", f"e-{number}")
    troubled = [True]

    def sometimes(notification: Notification) -> None:
        if troubled[0]:
            later(notification)

    sending = service.sending({"email": Scripted(sometimes)})
    for is_troubled in (True, True, False):
        troubled[0] = is_troubled
        service.hurry()
        sending.send(service.db, "email")
    said = capsys.readouterr().out
    assert said.count("email waits") == 1
    assert said.count("email sent") == 3
