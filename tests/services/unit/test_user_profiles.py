"""Registering, and profiles: who may see and change what, and what the others are told."""

import pytest

from tests.services.unit.user_stand import ADMINISTRATOR, Users, at_once, on_both

NOBODY = "/users/00000000-0000-4000-8000-000000000000"


def assert_problem(answer, status: int, words: str = "") -> None:
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
    assert words in answer.json["detail"]


@on_both
def test_who_registers_is_a_customer_whom_the_others_hear_of(users):
    answer = users.register("Ann@Example.org", name="Ann Ö", phone="+4915112345678", channels=["email", "sms"])
    assert answer.status_code == 201 and answer.headers["Location"] == f"/users/{answer.json['id']}"
    contact = {
        "version": 1,
        "name": "Ann Ö",
        "email": "ann@example.org",
        "phone": "+4915112345678",
        "device_token": None,
        "channels": ["email", "sms"],
    }
    profile = answer.json
    assert profile.pop("created_at").endswith("+00:00")
    assert profile == contact | {"id": profile["id"], "roles": ["customer"]}
    assert users.told("user_registered") == [contact | {"user_id": answer.json["id"]}]


def test_mail_is_the_channel_of_who_chooses_none(users):
    assert users.register().json["channels"] == ["email"]
    assert users.register("other@example.org", channels=[]).json["channels"] == []


@on_both
@pytest.mark.parametrize("again", ["ann@example.org", "ANN@EXAMPLE.ORG", "Ann@example.ORG"])
def test_an_address_registers_once_however_it_is_written(users, again):
    users.register("ann@example.org")
    assert_problem(users.register(again), 409, "e-mail address")
    assert len(users.told("user_registered")) == 1


@on_both
def test_of_ten_who_register_with_one_address_at_once_one_succeeds(users):
    answers = at_once(
        lambda _: (
            users.app.test_client()
            .post("/users", json={"name": "A", "email": "ann@example.org", "password": "correct horse"})
            .status_code
        ),
        10,
    )
    assert sorted(answers) == [201] + [409] * 9
    assert len(users.told("user_registered")) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "name: must be 1 to 100 visible characters"),
        ({"name": " Ann"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "Ann\r\nBcc: all@example.org"}, "name"),
        ({"name": "Ann\u202eexe"}, "name"),
        ({"name": "\ud800"}, "name: must be 1 to 100 visible characters"),
        ({"name": None}, "name"),
        ({"email": "no address"}, "email: must be one email address"),
        ({"email": "ann@example.org\n"}, "email"),
        ({"password": "short"}, "password: must have 8 to 128 characters"),
        ({"password": "x" * 129}, "password: must have 8 to 128 characters"),
        ({"password": "\ud800 and more"}, "password: must consist of whole Unicode characters"),
        ({"password": 12345678}, "password"),
        ({"phone": "0151 1234567"}, "phone: must be an international number"),
        ({"phone": "+49١٥١١٢٣٤٥"}, "phone"),
        ({"device_token": "x" * 201}, "device_token"),
        ({"device_token": "two words"}, "device_token"),
        ({"channels": ["pigeon"]}, "channels"),
        ({"channels": ["email", "email"]}, "channels: must name each only once"),
        ({"channels": None}, "channels"),
        ({"channels": ["sms"]}, "channels: sms needs a phone"),
        ({"channels": ["push"], "phone": "+4915112345678"}, "channels: push needs a device_token"),
        ({"roles": ["admin"]}, "roles: Extra inputs are not permitted"),
        ({"id": "mine"}, "id: Extra inputs are not permitted"),
    ],
)
def test_what_does_not_fit_is_refused_in_words_and_not_stored(users, change, words):
    answer = users.register(**({"email": "new@example.org"} | change))
    assert_problem(answer, 422, words)
    assert users.told("user_registered") == []


def test_the_own_profile_can_be_seen_and_nobody_elses(users):
    location, token = users.customer()
    other, _ = users.customer("other@example.org")
    assert users.ask("GET", location, token=token).json["email"] == "customer@example.org"
    for path in (other, NOBODY, f"{other}/permissions"):
        assert_problem(users.ask("GET", path, token=token), 403, "somebody else's")
    assert_problem(users.ask("GET", location), 401)


def test_an_administrator_sees_every_profile_and_hears_of_none_that_is_not_there(users):
    location, _ = users.customer()
    token = users.administrator()
    assert users.ask("GET", location, token=token).json["email"] == "customer@example.org"
    for path in (NOBODY, f"{NOBODY}/permissions", "/users/nobody", "/users/%00"):
        assert_problem(users.ask("GET", path, token=token), 404)
    assert_problem(users.ask("PATCH", NOBODY, {"name": "X"}, token), 404)
    assert_problem(users.ask("PUT", f"{NOBODY}/roles", {"roles": []}, token), 404)


@on_both
def test_what_is_changed_has_a_new_version_and_is_told_and_what_is_not_named_stays(users):
    location, token = users.customer(phone="+4915112345678")
    before = users.ask("GET", location, token=token).json
    change = {"name": "New", "email": "New@example.org", "channels": ["sms"]}
    after = users.ask("PATCH", location, change, token)
    assert after.status_code == 200
    assert after.json == before | change | {"email": "new@example.org", "version": 2}
    assert users.ask("GET", location, token=token).json == after.json
    (told,) = users.told("profile_changed")
    assert told == {k: v for k, v in after.json.items() if k not in ("id", "roles", "created_at")} | {
        "user_id": before["id"]
    }
    assert users.log_in("NEW@example.org").status_code == 200
    assert users.log_in("customer@example.org").status_code == 401


def test_null_takes_a_phone_away_unless_a_channel_needs_it(users):
    location, token = users.customer(phone="+4915112345678", channels=["sms"])
    assert_problem(users.ask("PATCH", location, {"phone": None}, token), 422, "sms needs a phone")
    assert users.ask("PATCH", location, {"phone": None, "channels": []}, token).json["phone"] is None
    assert_problem(users.ask("PATCH", location, {"channels": ["sms"]}, token), 422, "sms needs a phone")
    for field in ("name", "email", "channels", "version"):
        assert_problem(users.ask("PATCH", location, {field: None}, token), 422, field)


def test_a_change_that_changes_nothing_is_no_change(users):
    location, token = users.customer()
    for body in ({}, {"name": "A customer"}, {"email": "CUSTOMER@example.org", "channels": ["email"], "phone": None}):
        answer = users.ask("PATCH", location, body, token)
        assert (answer.status_code, answer.json["version"]) == (200, 1)
    assert users.told("profile_changed") == []


def test_who_has_seen_an_older_version_is_told_so_and_changes_nothing(users):
    location, token = users.customer()
    assert users.ask("PATCH", location, {"name": "One", "version": 1}, token).json["version"] == 2
    assert_problem(users.ask("PATCH", location, {"name": "Two", "version": 1}, token), 409, "version 2")
    assert users.ask("GET", location, token=token).json["name"] == "One"
    assert users.ask("PATCH", location, {"name": "Two", "version": 2}, token).json["version"] == 3


@on_both
def test_of_ten_who_change_the_same_version_at_once_one_succeeds(users):
    location, token = users.customer()

    def change(number: int) -> int:
        return users.ask("PATCH", location, {"name": f"Name {number}", "version": 1}, token).status_code

    assert sorted(at_once(change, 10)) == [200] + [409] * 9
    assert len(users.told("profile_changed")) == 1


@on_both
def test_an_address_that_somebody_has_cannot_be_taken_by_a_change(users):
    users.customer("other@example.org")
    location, token = users.customer()
    assert_problem(
        users.ask("PATCH", location, {"name": "X", "email": "Other@example.org"}, token), 409, "e-mail address"
    )
    kept = users.ask("GET", location, token=token).json
    assert (kept["name"], kept["email"], kept["version"]) == ("A customer", "customer@example.org", 1)
    assert users.told("profile_changed") == []


@on_both
def test_an_administrator_gives_roles_and_the_next_token_has_them(users):
    location, token = users.customer()
    administrator = users.administrator()
    given = users.ask("PUT", f"{location}/roles", {"roles": ["clerk", "customer"]}, administrator)
    assert given.json["roles"] == ["customer", "clerk"] and "stock:write" in given.json["permissions"]
    assert users.ask("GET", f"{location}/permissions", token=token).json == given.json
    assert users.ask("GET", location, token=token).json["roles"] == ["customer", "clerk"]
    assert users.ask("PUT", f"{location}/roles", {"roles": []}, administrator).json["permissions"] == []
    nothing = users.log_in().json["access_token"]
    assert_problem(users.ask("GET", location, token=nothing), 403, "profile:own")


@pytest.mark.parametrize("roles", [["king"], ["clerk", "clerk"], None, "admin", [None]])
def test_what_is_no_list_of_roles_is_refused(users, roles):
    location, _ = users.customer()
    assert_problem(users.ask("PUT", f"{location}/roles", {"roles": roles}, users.administrator()), 422, "roles")


@on_both
def test_the_last_administrator_stays_one(users):
    location, _ = users.customer()
    administrator = users.administrator()
    first = next(u for u in listed(users, administrator) if u["email"] == ADMINISTRATOR)
    own = f"/users/{first['id']}/roles"
    assert_problem(users.ask("PUT", own, {"roles": ["customer"]}, administrator), 409, "last administrator")
    assert users.ask("PUT", f"{location}/roles", {"roles": ["admin"]}, administrator).status_code == 200
    assert users.ask("PUT", own, {"roles": ["customer"]}, administrator).status_code == 200
    assert_problem(users.ask("PUT", f"{location}/roles", {"roles": []}, administrator), 409, "last administrator")


def listed(users: Users, token: str, limit: int = 100) -> list[dict]:
    """All users, page by page."""
    found, after = [], None
    while True:
        page = users.ask(
            "GET", "/users", token=token, query_string={"limit": limit} | ({"after": after} if after else {})
        )
        assert page.status_code == 200, page.text
        found += page.json["items"]
        after = page.json["next"]
        if after is None:
            return found
        assert len(page.json["items"]) == limit


@on_both
def test_an_administrator_sees_all_users_page_by_page(users):
    for number in range(7):
        users.register(f"customer-{number}@example.org")
    administrator = users.administrator()
    emails = [ADMINISTRATOR, *(f"customer-{number}@example.org" for number in range(7))]
    assert [user["email"] for user in listed(users, administrator, 3)] == emails
    assert [user["email"] for user in listed(users, administrator, 8)] == emails
    assert_problem(users.ask("GET", "/users", token=users.log_in("customer-1@example.org").json["access_token"]), 403)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=nonsense", "after=%00", "page=2"])
def test_what_is_no_page_is_refused(users, query):
    assert_problem(users.ask("GET", f"/users?{query}", token=users.administrator()), 422)
