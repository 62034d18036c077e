"""GET /notifications: customers see their own, clerks everybody's, in pages."""

from collections.abc import Iterator

import pytest

from tests.services.tokens import CLERK, bearer
from tests.services.unit.notification_stand import Notifications, notifications_at

ANN, BOB, A_CLERK = bearer("u-1"), bearer("u-2"), bearer("clerk-1", CLERK)


@pytest.fixture
def service(tmp_path) -> Iterator[Notifications]:
    with notifications_at(f"sqlite:///{tmp_path}/notification.db") as notifications:
        notifications.profile()
        notifications.profile(user_id="u-2", email="bob@example.org")
        for number in range(5):
            notifications.hear(
                "order_confirmed", f"e-{number}", order_id=f"o-{number}", customer_id=f"u-{number % 2 + 1}"
            )
        yield notifications


def orders(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["order_id"] for each in answer.json["items"]]


def test_a_customer_sees_the_own_ones_newest_first(service):
    answer = service.ask("/notifications", ANN)
    assert orders(answer) == ["o-4", "o-2", "o-0"]
    newest = answer.json["items"][0]
    assert newest.pop("created_at").endswith("Z")
    assert newest == {
        "id": "e-4-email",
        "order_id": "o-4",
        "channel": "email",
        "recipient": "ann@example.org",
        "subject": "Your order is confirmed",
        "status": "pending",
        "attempts": 0,
        "error": "",
    }


def test_a_customer_does_not_see_those_of_another_even_by_their_order(service):
    assert orders(service.ask("/notifications", ANN, order_id="o-1")) == []
    assert orders(service.ask("/notifications", BOB, order_id="o-1")) == ["o-1"]


def test_a_clerk_sees_everybodys(service):
    assert len(orders(service.ask("/notifications", A_CLERK))) == 5
    assert orders(service.ask("/notifications", A_CLERK, order_id="o-3")) == ["o-3"]


def test_a_long_history_comes_in_pages_that_new_ones_do_not_shift(service):
    first = service.ask("/notifications", A_CLERK, limit=2)
    service.hear("order_confirmed", "e-9", order_id="o-9")
    second = service.ask("/notifications", A_CLERK, limit=2, after=first.json["next"])
    third = service.ask("/notifications", A_CLERK, limit=2, after=second.json["next"])
    assert [*orders(first), *orders(second), *orders(third)] == ["o-4", "o-3", "o-2", "o-1", "o-0"]
    assert third.json["next"] is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer nonsense"}, 401), (bearer("u-1", ["orders:own"]), 403)],
)
def test_without_the_permission_nothing_is_shown(service, headers, status):
    assert service.ask("/notifications", headers).status_code == status


@pytest.mark.parametrize("wanted", [{"limit": 0}, {"limit": 101}, {"after": "!"}, {"order_id": ""}, {"colour": "red"}])
def test_a_wrong_question_is_said_to_be_wrong(service, wanted):
    assert service.ask("/notifications", ANN, **wanted).status_code == 422
