"""The rules of users, without anything around them."""

import pytest

from labs.services.user.domain import WINDOW_SECONDS, Channel, Role, normalised, permissions, place, unreachable, wait
from tests.services import tokens

NOW = 1_000_000.0


def test_each_role_may_do_what_the_others_believe_it_may():
    assert permissions([Role.CUSTOMER]) == list(tokens.CUSTOMER)
    assert permissions([Role.CLERK]) == list(tokens.CLERK)
    assert permissions([Role.ADMIN]) == list(tokens.ADMINISTRATOR)


def test_roles_add_up_and_name_each_permission_once():
    both = permissions([Role.CLERK, Role.CUSTOMER])
    assert set(both) == set(permissions([Role.CLERK])) and len(both) == len(set(both))
    assert permissions([]) == []


@pytest.mark.parametrize(
    ("channels", "phone", "device_token", "words"),
    [
        ([], None, None, ""),
        ([Channel.EMAIL], None, None, ""),
        ([Channel.SMS], None, "t", "channels: sms needs a phone"),
        ([Channel.SMS], "+4915112345678", None, ""),
        ([Channel.EMAIL, Channel.PUSH], "+4915112345678", None, "channels: push needs a device_token"),
        ([Channel.PUSH], None, "t", ""),
    ],
)
def test_a_channel_needs_what_it_sends_to(channels, phone, device_token, words):
    assert unreachable(channels, phone, device_token) == words


def test_capitals_make_no_other_address():
    assert normalised("Ann.B@Example.ORG") == normalised("ann.b@example.org") == "ann.b@example.org"


@pytest.mark.parametrize(
    ("ages", "seconds"),
    [
        ([], 0),
        ([40, 30], 0),
        ([50, 40, 30], WINDOW_SECONDS - 50),
        ([90, 50, 40, 30], WINDOW_SECONDS - 50),
        ([WINDOW_SECONDS, 40, 30], 0),
        ([WINDOW_SECONDS + 5, 40, 30], 0),
        ([WINDOW_SECONDS + 5, 50, 40, 30], WINDOW_SECONDS - 50),
    ],
    ids=["none", "two", "three", "four", "three, one just forgotten", "three, one forgotten", "three that count"],
)
def test_after_three_failures_one_waits_until_the_first_of_them_is_forgotten(ages, seconds):
    assert wait([NOW - age for age in ages], 3, NOW) == seconds


def test_the_window_slides_so_that_no_moment_allows_a_burst():
    failures: list[float] = []
    for second in range(3 * WINDOW_SECONDS):
        if not wait(failures, 5, NOW + second):
            failures.append(NOW + second)
    for moment in failures:
        assert sum(moment <= other < moment + WINDOW_SECONDS for other in failures) <= 5


def test_one_person_is_one_place():
    assert place("192.0.2.7") == "192.0.2.7" != place("192.0.2.8")
    assert place("2001:db8:1:2::1") == place("2001:db8:1:2:ffff:ffff:ffff:ffff") == "2001:db8:1:2::/64"
    assert place("2001:db8:1:3::1") != place("2001:db8:1:2::1")
    assert place("unix:") == "unix:" and place("") == ""
