"""The payment provider: one charge for each key, an honest book, whoever asks at once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from labs.services.chassis import keeper
from labs.services.chassis.database import Database
from labs.services.chassis.idempotency import idempotency_keys
from tests.services.delivery.stand import eventually
from tests.services.unit.outside_stand import Outside, outside_at
from tests.services.unit.user_stand import at_once


@pytest.fixture
def outside(tmp_path) -> Iterator[Outside]:
    with outside_at(f"sqlite:///{tmp_path}/outside.db") as world:
        yield world


@pytest.fixture
def outside_on_each(database_url) -> Iterator[Outside]:
    with outside_at(database_url) as world:
        yield world


def test_twenty_identical_charges_at_once_are_one_charge_and_twenty_equal_answers(outside_on_each):
    answers = at_once(lambda _: outside_on_each.charge("k-1"), 20)
    assert [answer.status_code for answer in answers] == [201] * 20
    assert len({answer.text for answer in answers}) == 1
    [charge] = outside_on_each.book()["charges"]
    assert charge == answers[0].json
    assert (charge["key"], charge["order_id"], charge["amount"], charge["status"]) == ("k-1", "o-1", 350, "charged")


def test_a_key_that_comes_with_another_body_is_refused(outside):
    outside.charge("k-1")
    assert outside.charge("k-1", amount=351).status_code == 422
    assert [charge["amount"] for charge in outside.book()["charges"]] == [350]


@pytest.mark.parametrize("key", ["", "x" * 129, "two words"])
def test_a_charge_without_a_usable_key_is_refused(outside, key):
    assert outside.charge(key).status_code == 400
    assert outside.book()["charges"] == []


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer another-key", "Basic the-key-of-the-shop", "Bearer ü"]
)
@pytest.mark.parametrize(
    "path", ["/payments/book", "/payments/charges", "/payments/refunds", "/payments/entries", "/carrier/shipments"]
)
def test_without_the_api_key_nothing_is_shown(outside, path, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = outside.ask("GET", path, headers=headers)
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_without_the_api_key_nothing_is_done(outside):
    body = {"order_id": "o-1", "amount": 350, "currency": "EUR", "card": "card-ok"}
    assert outside.ask("POST", "/payments/charges", body, "k-1", headers={}).status_code == 401
    assert outside.book()["charges"] == []


def test_the_description_says_which_header_a_charge_needs_and_how_it_can_be_refused(outside):
    charge = outside.ask("GET", "/openapi.json").json["paths"]["/payments/charges"]["post"]
    assert [(each["name"], each["in"], each["required"]) for each in charge["parameters"]] == [
        ("Idempotency-Key", "header", True)
    ]
    assert {"201", "400", "401", "402", "409", "422"} <= charge["responses"].keys()
    assert charge["security"] == [{"key": []}]


def test_a_declined_card_is_declined_again_and_nothing_is_taken(outside):
    first, again = (outside.charge("k-1", card="card-declined") for _ in range(2))
    assert first.status_code == again.status_code == 402
    assert first.json == again.json and "declined" in first.json["detail"]
    assert outside.book() == {"charges": [], "refunds": [], "voids": []}


@pytest.mark.parametrize("card", ["4111111111111111", "card-", "", "card-OK", None, 4111])
def test_a_card_is_a_token_and_never_a_number(outside, card):
    assert outside.charge("k-1", card=card).status_code == 422


@pytest.mark.parametrize("amount", [-1, 3.5, "350", True, 10**18 + 1])
def test_an_amount_is_a_whole_number_of_minor_units(outside, amount):
    assert outside.charge("k-1", amount=amount).status_code == 422


def test_a_refund_that_is_asked_twice_goes_back_once(outside):
    outside.charge("k-1")
    first, again = (outside.refund("r-1", "k-1", 100) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json == again.json and first.json["status"] == "refunded"
    [refund] = outside.book()["refunds"]
    assert (refund["charge_key"], refund["order_id"], refund["amount"], refund["currency"]) == (
        "k-1",
        "o-1",
        100,
        "EUR",
    )


def test_a_refund_says_when_it_went_back_and_when_the_charge_was_taken(outside):
    outside.charge("k-1")
    outside.refund("r-1", "k-1", 100)
    answer = outside.refund("r-1", "k-1", 100).json
    [charge], [refund] = outside.book()["charges"], outside.book()["refunds"]
    assert (answer["at"], answer["charged_at"]) == (refund["at"], charge["at"])


def test_a_void_was_never_charged(outside):
    answer = outside.refund("r-1", "k-1", 100).json
    [void] = outside.book()["voids"]
    assert (answer["at"], answer["charged_at"]) == (void["at"], None)


def test_no_more_goes_back_than_was_taken(outside):
    outside.charge("k-1")
    assert outside.refund("r-1", "k-1", 300).status_code == 201
    refused = outside.refund("r-2", "k-1", 51)
    assert refused.status_code == 409 and "50 of 350 EUR" in refused.json["detail"]
    assert outside.refund("r-3", "k-1", 50).status_code == 201


def test_ten_refunds_at_once_of_a_charge_that_covers_three(outside_on_each):
    outside_on_each.charge("k-1")
    answers = at_once(lambda number: outside_on_each.refund(f"r-{number}", "k-1", 100), 10)
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 7
    assert sum(refund["amount"] for refund in outside_on_each.book()["refunds"]) == 300


def test_a_refund_of_a_charge_that_never_came_voids_it_for_good(outside_on_each):
    voided = outside_on_each.refund("r-1", "k-1", 350)
    assert (voided.status_code, voided.json["status"]) == (201, "voided")
    late = outside_on_each.charge("k-1")
    assert late.status_code == 409 and "voided" in late.json["detail"]
    book = outside_on_each.book()
    assert (book["charges"], book["refunds"]) == ([], [])
    assert [void["key"] for void in book["voids"]] == ["k-1"]


def test_a_charge_and_its_refund_that_come_at_once_leave_nothing_taken(outside_on_each):
    def either(number: int) -> int:
        key = f"k-{number // 2}"
        return (outside_on_each.refund(f"r-{key}", key, 350) if number % 2 else outside_on_each.charge(key)).status_code

    assert set(at_once(either, 20)) <= {201, 409}
    book = outside_on_each.book()
    taken = {charge["key"] for charge in book["charges"]}
    assert taken == {refund["charge_key"] for refund in book["refunds"]}
    assert taken | {void["key"] for void in book["voids"]} == {f"k-{number}" for number in range(10)}
    assert len(taken) + len(book["voids"]) == 10


def test_the_book_can_be_asked_for_one_order_and_for_one_day(outside):
    outside.charge("k-1", order_id="o-1")
    outside.charge("k-2", order_id="o-2")
    outside.refund("r-1", "k-2", 50)
    today = datetime.now(UTC).date()
    assert [c["key"] for c in outside.book(order_id="o-2")["charges"]] == ["k-2"]
    assert outside.book(order_id="o-1")["refunds"] == []
    days = [(today + timedelta(days=d)).isoformat() for d in (-1, 0, 1)]
    assert sum(len(outside.book(day=day)["charges"]) for day in days) == 2
    assert outside.book(day="2020-02-29") == {"charges": [], "refunds": [], "voids": []}
    assert outside.ask("GET", "/payments/book", query_string={"day": "31.5.2026"}).status_code == 422
    for what in ("charges", "refunds"):
        assert outside.ask("GET", f"/payments/{what}").json == outside.book()[what]


def test_keys_are_remembered_for_a_day_and_not_for_ever(outside, monkeypatch):
    outside.charge("k-1")
    outside.charge("k-2")
    with Database(outside.url).transaction() as tx:
        tx.execute(update(idempotency_keys).where(idempotency_keys.c.key == "k-1").values(created_at=1.0))
    outside.stop()
    monkeypatch.setattr(keeper, "FORGETTING", 0.01)
    outside.start()
    eventually(lambda: _keys(outside) == {"k-2"}, "the old one is forgotten")


def _keys(outside) -> set[str]:
    with Database(outside.url).reading() as session:
        return set(session.scalars(select(idempotency_keys.c.key)))


def test_the_book_comes_in_pages_that_leave_nothing_out_whatever_is_added_meanwhile(outside_on_each):
    outside = outside_on_each
    for number in range(3):
        outside.charge(f"k-{number}", order_id=f"o-{number}")
    outside.refund("r-0", "k-0", 50)
    outside.refund("r-1", "k-0", 60)
    outside.refund("r-void", "k-void", 60)
    seen, after = [], {}
    for _ in range(3):
        page = outside.ask("GET", "/payments/entries", query_string={"limit": "2", **after}).json
        seen += [(each["kind"], each["order_id"], each["amount"]) for each in page["items"]]
        after = {"after": page["next"]}
        outside.charge("late", order_id="late")
    assert seen == [
        ("charge", "o-0", 350),
        ("charge", "o-1", 350),
        ("charge", "o-2", 350),
        ("charge", "late", 350),
        ("refund", "o-0", 50),
        ("refund", "o-0", 60),
    ]
    assert page["next"] is None


def test_the_pages_of_a_day_are_that_days(outside):
    outside.charge("k-1")
    [charge] = outside.book()["charges"]
    for day, entries in ((charge["at"][:10], 1), ("2020-02-29", 0)):
        page = outside.ask("GET", "/payments/entries", query_string={"day": day}).json
        assert (len(page["items"]), page["next"]) == (entries, None)


@pytest.mark.parametrize("wrong", [{"after": "nonsense"}, {"limit": "101"}, {"limit": "0"}, {"day": "31.5.2026"}])
def test_a_page_that_cannot_be_is_refused(outside, wrong):
    assert outside.ask("GET", "/payments/entries", query_string=wrong).status_code == 422
