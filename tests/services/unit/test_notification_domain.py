"""What a customer is told, by which channels, and when it is tried again."""

import pytest

from labs.services.notification.domain import EMAIL, PUSH, SMS, Contact, message, money, pause
from labs.services.notification.events import OrderNews
from labs.services.notification.templates import TEMPLATES

ANN = Contact("Ann", "ann@example.org", "+4915112345678", "device-1", (EMAIL, SMS, PUSH))


def news(**data: object) -> OrderNews:
    return OrderNews.model_validate({"order_id": "o-1", "customer_id": "u-1", **data})


def test_a_customer_is_told_by_the_chosen_channels_alone():
    assert ANN.recipients() == {EMAIL: "ann@example.org", SMS: "+4915112345678", PUSH: "device-1"}
    assert Contact("Ann", "ann@example.org", "+4915112345678", "", (SMS,)).recipients() == {SMS: "+4915112345678"}


def test_a_channel_without_an_address_or_that_nobody_knows_is_none():
    assert Contact("Ann", "ann@example.org", "", "", (SMS, PUSH, "pigeon")).recipients() == {}


def test_a_rejection_says_why_and_for_which_order():
    said = message("order_rejected", EMAIL, "Ann", news(reason="tea: 5 wanted, 2 available"))
    assert said.subject == "We cannot deliver your order"
    assert all(words in said.body for words in ("Ann", "tea: 5 wanted, 2 available", "o-1"))


def test_a_receipt_says_how_much():
    assert "3.50 EUR" in message("order_paid", EMAIL, "Ann", news(amount=350, currency="EUR")).body
    assert "3.50 EUR" in message("order_paid", SMS, "Ann", news(amount=350, currency="EUR")).body


def test_a_parcel_has_a_tracking_code_and_says_what_is_not_in_it():
    assert "T-1" in message("order_fulfilled", SMS, "Ann", news(tracking_code="T-1")).body
    partly = news(tracking_code="T-1", missing=[{"sku": "tea", "quantity": 2}, {"sku": "cup", "quantity": 1}])
    assert "2 × tea, 1 × cup" in message("order_fulfilled", EMAIL, "Ann", partly).body
    assert "Not in it" not in message("order_fulfilled", EMAIL, "Ann", news(tracking_code="T-1")).body


@pytest.mark.parametrize("channel", [EMAIL, SMS, PUSH])
@pytest.mark.parametrize("event_type", list(TEMPLATES))
def test_every_template_is_filled_for_every_channel(event_type, channel):
    full = news(reason="why", tracking_code="T-1", amount=0, currency="EUR", missing=[{"sku": "tea", "quantity": 2}])
    said = message(event_type, channel, "Ann", full)
    assert "{" not in said.subject + said.body and "o-1" in said.body
    assert 0 < len(said.subject) <= 200


def test_words_of_a_customer_are_words_and_no_template():
    name = "{order_id} {0.__class__} {"
    assert name in message("order_confirmed", EMAIL, name, news()).body


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (350, "EUR", "3.50 EUR"),
        (5, "EUR", "0.05 EUR"),
        (350, "JPY", "350 JPY"),
        (350, "KWD", "0.350 KWD"),
        (10**17 + 1, "EUR", "1000000000000000.01 EUR"),
    ],
)
def test_an_amount_is_shown_in_its_currency(amount, currency, shown):
    assert money(amount, currency) == shown


def test_pauses_grow_and_stop_growing():
    assert [pause(attempts) for attempts in (1, 2, 3, 4, 5, 6, 7, 8, 1000)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
