"""Logging in: what a token says, who gets none, and that nobody can try for long."""

import json

import jwt
import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import select

from labs.services.user import failures, passwords, store
from tests.services.unit.user_stand import ADMINISTRATOR, ADMINISTRATORS, PASSWORD, Clock, at_once, on_both, users_at

WRONG = "battery staple"


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


def test_a_token_says_who_may_do_what_for_fifteen_minutes(users):
    location, token = users.customer()
    header, says = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    published = users.ask("GET", "/.well-known/jwks.json").json["keys"]
    assert (header["alg"], header["kid"]) == ("EdDSA", published[0]["kid"])
    assert location == f"/users/{says['sub']}"
    assert (says["iss"], says["aud"], says["exp"] - says["iat"]) == ("user-service", "shop", 900)
    assert says["permissions"] == ["orders:own", "profile:own", "notifications:own"]
    assert says["jti"] != jwt.decode(users.log_in().json["access_token"], options={"verify_signature": False})["jti"]


def test_the_answer_is_what_oauth_calls_a_bearer_token_and_no_cache_keeps_it(users):
    users.register()
    answer = users.log_in("Customer@EXAMPLE.org")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert answer.json.keys() == {"access_token", "token_type", "expires_in"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(users):
    users.register()
    wrong, unknown = users.log_in(password=WRONG), users.log_in("nobody@example.org", WRONG)
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json == unknown.json
    assert wrong.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"] == 'Bearer realm="shop"'


def test_an_unknown_address_costs_the_same_work(users, monkeypatch):
    work: list[object] = []

    class Watched(PasswordHasher):
        def verify(self, hash, password):
            work.append(extract_parameters(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "HASHER", Watched(time_cost=1, memory_cost=8, parallelism=1))
    users.register()
    users.log_in(password=WRONG)
    users.log_in("nobody@example.org", WRONG)
    users.log_in("nobody@example.org", PASSWORD)
    assert len(work) == 3 and len(set(map(str, work))) == 1


def test_the_password_of_nobody_opens_nothing():
    assert not passwords.matches(None, "anything")
    assert passwords.matches(passwords.hashed("é" * 8), "e\u0301" * 8), "composed in another way"
    assert not passwords.matches(passwords.hashed("é" * 8), "e" * 8)


def test_passwords_are_hashed_as_owasp_asks():
    found = extract_parameters(passwords.hashed(PASSWORD))
    assert (found.type.name, found.memory_cost, found.time_cost, found.parallelism) == ("ID", 19 * 1024, 2, 1)


@on_both
def test_a_hash_with_other_parameters_is_replaced_when_its_owner_logs_in_and_only_then(users, monkeypatch):
    users.register()
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))

    def stored() -> str:
        with users.db.reading() as session:
            return session.scalar(select(store.User.password_hash).where(store.User.email == "customer@example.org"))

    old = stored()
    assert users.log_in(password=WRONG).status_code == 401
    assert stored() == old
    assert users.log_in().status_code == 200
    new = stored()
    assert new != old and not passwords.outdated(new)
    assert users.log_in().status_code == 200
    assert stored() == new
    assert users.told("profile_changed") == []


# --- who fails too often ----------------------------------------------------------------------------------------------


@on_both
def test_after_five_failures_an_address_must_wait_even_with_the_right_password(users, clock):
    users.register()
    assert [users.log_in(password=WRONG).status_code for _ in range(6)] == [401] * 5 + [429]
    refused = users.log_in()
    assert refused.status_code == 429 and refused.content_type == "application/problem+json"
    assert 890 <= int(refused.headers["Retry-After"]) <= 900
    assert refused.headers["Retry-After"] in refused.json["detail"]
    clock.on(int(refused.headers["Retry-After"]))
    assert users.log_in().status_code == 200


def test_an_unknown_address_must_wait_as_a_known_one_does(users):
    assert [users.log_in("nobody@example.org", WRONG).status_code for _ in range(6)] == [401] * 5 + [429]


def test_capitals_give_no_further_attempts(users):
    users.register()
    for email in (
        "Customer@example.org",
        "cUstomer@example.org",
        "CUSTOMER@EXAMPLE.ORG",
        *["customer@example.org"] * 2,
    ):
        assert users.log_in(email, WRONG).status_code == 401
    assert users.log_in("customer@Example.org", WRONG).status_code == 429


def test_others_do_not_wait_with_them(users):
    users.register()
    users.register("other@example.org")
    for _ in range(6):
        users.log_in(password=WRONG)
    assert users.log_in("other@example.org").status_code == 200


def test_who_must_wait_costs_no_more_work(users, monkeypatch):
    for _ in range(5):
        users.log_in(password=WRONG)
    worked: list[str] = []
    monkeypatch.setattr(passwords, "matches", lambda _stored, password: worked.append(password))
    assert users.log_in(password=WRONG).status_code == 429
    assert worked == []


def test_a_refused_attempt_does_not_make_the_wait_longer(users, clock):
    users.register()
    for _ in range(5):
        users.log_in(password=WRONG)
    clock.on(600)
    assert 290 <= int(users.log_in(password=WRONG).headers["Retry-After"]) <= 300
    clock.on(301)
    assert users.log_in().status_code == 200


@on_both
def test_a_login_clears_the_failures_of_its_address(users):
    users.register()
    for _ in range(3):
        assert [users.log_in(password=WRONG).status_code for _ in range(4)] == [401] * 4
        assert users.log_in().status_code == 200
    assert [users.log_in(password=WRONG).status_code for _ in range(6)] == [401] * 5 + [429]


@on_both
def test_fifty_failures_from_one_place_make_it_wait_and_a_login_of_its_own_does_not_help(users, clock):
    users.register("own@example.org")
    for number in range(50):
        if number % 10 == 9:
            assert users.log_in("own@example.org").status_code == 200
        assert users.log_in(f"victim-{number}@example.org", WRONG).status_code == 401
    assert users.log_in("victim-51@example.org", WRONG).status_code == 429
    assert users.log_in("own@example.org").status_code == 429
    assert users.log_in("own@example.org", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200
    clock.on(901)
    assert users.log_in("own@example.org").status_code == 200


def test_limits_are_settings(tmp_path):
    with users_at(f"sqlite:///{tmp_path}/user.db", failures_per_email=1, failures_per_address=2) as users:
        assert [users.log_in("a@example.org", WRONG).status_code for _ in range(2)] == [401, 429]
        assert [users.log_in(f"{n}@example.org", WRONG).status_code for n in range(2)] == [401, 429]


@pytest.mark.parametrize(
    ("proxies", "sent", "counted"),
    [
        (0, "198.51.100.1", "127.0.0.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.9, 198.51.100.1", "203.0.113.9"),
        (1, "", "127.0.0.1"),
    ],
)
def test_the_place_is_what_the_own_proxies_say_and_not_what_the_caller_says(tmp_path, proxies, sent, counted):
    with users_at(f"sqlite:///{tmp_path}/user.db", proxies=proxies, failures_per_address=2) as users:
        for number in range(2):
            assert users.log_in(f"{number}@example.org", WRONG, headers={"X-Forwarded-For": sent}).status_code == 401
        there = {
            "environ_base": {"REMOTE_ADDR": counted},
            "headers": {"X-Forwarded-For": ", ".join([counted] * proxies)},
        }
        assert users.log_in("other@example.org", WRONG, **there).status_code == 429
        there["environ_base"], there["headers"] = {"REMOTE_ADDR": "192.0.2.99"}, {}
        assert users.log_in("other@example.org", WRONG, **there).status_code == 401


@on_both
def test_a_hundred_guesses_at_once_get_five_answers(users):
    users.register()
    said = at_once(lambda number: users.log_in(password=f"wrong guess {number}").status_code, 100)
    assert sorted(said) == [401] * 5 + [429] * 95


@on_both
def test_a_right_guess_that_comes_too_late_is_refused_although_it_began_in_time(users, monkeypatch):
    users.register()
    for _ in range(4):
        users.log_in(password=WRONG)
    original = passwords.matches

    def slow(stored: str | None, password: str) -> bool:
        monkeypatch.setattr(passwords, "matches", original)
        assert users.log_in(password=WRONG).status_code == 401
        return original(stored, password)

    monkeypatch.setattr(passwords, "matches", slow)
    assert users.log_in().status_code == 429


@on_both
def test_twenty_logins_of_one_user_at_once_all_succeed(users):
    users.register()
    assert at_once(lambda _: users.log_in().status_code, 20) == [200] * 20


@on_both
def test_what_is_kept_of_failures_names_nobody_and_is_forgotten(users, clock):
    users.log_in("a-password-typed-into-the-wrong-field@example.org", WRONG)
    with users.db.reading() as session:
        rows = list(session.scalars(select(store.Failures)))
    assert len(rows) == 2
    assert "typed" not in json.dumps([row.subject for row in rows]) and "127.0.0.1" not in {row.subject for row in rows}
    for seconds, left in ((899, 2), (2, 0)):
        clock.on(seconds)
        with users.db.transaction() as tx:
            failures.forget(tx)
        with users.db.reading() as session:
            assert len(list(session.scalars(select(store.Failures)))) == left


def test_the_first_administrator_logs_in_with_the_password_of_the_settings(users):
    token = users.log_in(ADMINISTRATOR, ADMINISTRATORS).json["access_token"]
    assert "users:all" in jwt.decode(token, options={"verify_signature": False})["permissions"]
