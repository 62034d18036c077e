"""The read model of contacts, and the events that are earlier than the customer they are for."""

from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from labs.services.notification import contacts
from labs.services.notification.store import Contact, News
from tests.services.unit.notification_stand import Notifications, notifications_at
from tests.services.unit.user_stand import at_once


@pytest.fixture
def service(tmp_path) -> Iterator[Notifications]:
    with notifications_at(f"sqlite:///{tmp_path}/notification.db") as notifications:
        yield notifications


@pytest.fixture
def service_on_each(database_url) -> Iterator[Notifications]:
    with notifications_at(database_url) as notifications:
        yield notifications


def email(service: Notifications) -> str | None:
    with service.db.reading() as session:
        return session.scalar(select(Contact.email))


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 3, 1)])
def test_the_newest_version_of_a_profile_wins_whenever_it_comes(service, order):
    for version in order:
        service.profile("profile_changed", version=version, email=f"v{version}@example.org")
    assert email(service) == "v3@example.org"


def test_what_a_customer_no_longer_has_is_forgotten(service):
    service.profile(channels=["sms"])
    service.profile("profile_changed", version=2, phone=None, device_token=None, channels=["sms", "email"])
    service.hear("order_confirmed")
    assert [each.channel for each in service.all()] == ["email"]


def test_a_customer_is_told_by_each_chosen_channel_under_an_id_of_its_own(service):
    service.profile(channels=["email", "sms", "push"])
    service.hear("order_confirmed", "e-1")
    found = {each.channel: (each.id, each.recipient) for each in service.all()}
    assert found == {
        "email": ("e-1-email", "ann@example.org"),
        "sms": ("e-1-sms", "+4915112345678"),
        "push": ("e-1-push", "device-1"),
    }


@pytest.mark.parametrize(
    ("event_type", "data", "words"),
    [
        ("order_confirmed", {}, "reserved"),
        ("order_paid", {"amount": 350, "currency": "EUR"}, "3.50 EUR"),
        ("order_fulfilled", {"tracking_code": "T-1", "lines": [], "missing": []}, "T-1"),
        ("order_rejected", {"reason": "no tea"}, "no tea"),
        ("order_cancelled", {"reason": "you asked for it"}, "you asked for it"),
    ],
)
def test_a_customer_hears_of_everything_that_becomes_of_the_order(service, event_type, data, words):
    service.profile()
    service.hear(event_type, **data)
    notification = service.only()
    assert words in notification.body
    assert (notification.order_id, notification.customer_id, notification.status) == ("o-1", "u-1", "pending")


def test_of_ten_versions_that_come_at_once_the_newest_wins(service_on_each):
    at_once(lambda n: service_on_each.profile("profile_changed", version=n + 1, email=f"v{n + 1}@example.org"), 10)
    assert email(service_on_each) == "v10@example.org"


def test_an_event_that_comes_three_times_is_told_once(service):
    service.profile()
    for _ in range(3):
        service.hear("order_confirmed", "e-1")
    service.only()


def test_an_event_that_comes_before_its_customer_waits_for_the_customer(service_on_each):
    service_on_each.hear("order_confirmed", "e-1")
    service_on_each.address()
    assert service_on_each.all() == []
    service_on_each.profile()
    service_on_each.address()
    assert service_on_each.only().id == "e-1-email"
    service_on_each.address()
    service_on_each.only()
    with service_on_each.db.reading() as session:
        assert not contacts.waiting(session)


def test_an_event_whose_customer_never_comes_is_given_up_and_said(service_on_each):
    service_on_each.hear("order_confirmed", "e-1")
    service_on_each.address(patience=-1)
    assert (service_on_each.only().status, service_on_each.only().error) == ("failed", "the customer is not known")
    [told] = service_on_each.told("notification_failed")
    assert told == {
        "order_id": "o-1",
        "channel": "none",
        "notification_id": "e-1-none",
        "reason": "the customer is not known",
    }
    service_on_each.profile()
    service_on_each.address()
    service_on_each.only()


@pytest.mark.parametrize("data", [{"order_id": None}, {"order_id": "x" * 65}, {"customer_id": 7}, {"missing": [{}]}])
def test_an_event_that_lacks_what_it_needs_is_no_event_of_an_order(service, data):
    service.profile()
    with pytest.raises(ValidationError):
        service.hear("order_confirmed", **data)
    with service.db.reading() as session:
        assert session.scalars(select(News)).all() == []
