"""Keys: made once, kept secret, replaced without any valid token being refused, and forgotten."""

import base64
import hashlib
import json
import time

import jwt
import pytest
from jwt import PyJWK
from sqlalchemy import select

from labs.services.chassis.auth import Auth, StaticKeys
from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate
from labs.services.chassis.outbox import outbox
from labs.services.chassis.settings import load
from labs.services.chassis.verifying import LEEWAY
from labs.services.user import store
from labs.services.user.api import create_app
from labs.services.user.domain import KEY_SECONDS, TOKEN_SECONDS
from labs.services.user.keys import WrongSecret
from labs.services.user.settings import Settings
from labs.services.user.start import prepare
from labs.services.user.worker import UserWorker
from tests.services.unit.user_stand import ADMINISTRATOR, SECRET, Clock, Users, at_once, on_both, settings_for

LEAD = 6


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


def published(users: Users) -> list[str]:
    return [key["kid"] for key in users.ask("GET", "/.well-known/jwks.json").json["keys"]]


def kid_of(token: str) -> str:
    return jwt.get_unverified_header(token)["kid"]


def prune(users: Users) -> None:
    """What the worker does once a minute."""
    worker = UserWorker()
    worker.db = users.db
    worker.prune()


def test_the_published_key_verifies_what_is_signed_and_holds_nothing_secret(users):
    _, token = users.customer()
    answer = users.ask("GET", "/.well-known/jwks.json")
    (key,) = answer.json["keys"]
    assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert answer.headers["Cache-Control"] == "public, max-age=5"
    assert jwt.decode(token, PyJWK(key).key, ["EdDSA"], audience="shop", issuer="user-service")
    assert Auth(StaticKeys(answer.json)).verify(token).may("orders:own")


def test_the_id_of_a_key_is_its_thumbprint(users):
    (key,) = users.ask("GET", "/.well-known/jwks.json").json["keys"]
    canonical = json.dumps({"crv": key["crv"], "kty": key["kty"], "x": key["x"]}, separators=(",", ":"))
    assert key["kid"] == base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def test_a_new_key_is_published_at_once_and_signs_only_when_everybody_can_know_it(users, clock):
    administrator = users.administrator()
    (old,) = published(users)
    answer = users.ask("POST", "/keys", token=administrator)
    assert answer.status_code == 201
    new = answer.json["kid"]
    assert published(users) == [new, old]
    assert kid_of(users.administrator()) == old
    clock.on(LEAD)
    assert kid_of(users.administrator()) == new


@on_both
def test_a_key_is_published_until_its_last_token_has_ended_and_then_it_is_gone(users, clock):
    users.register()
    (old,) = published(users)
    new = users.ask("POST", "/keys", token=users.administrator()).json["kid"]
    clock.on(LEAD - 0.5)
    last = users.log_in().json["access_token"]
    assert kid_of(last) == old
    ends = jwt.decode(last, options={"verify_signature": False})["exp"]
    clock.on(ends + LEEWAY - time.time())
    prune(users)
    assert published(users) == [new, old]
    clock.on(KEY_SECONDS - TOKEN_SECONDS)
    prune(users)
    assert published(users) == [new]
    assert kid_of(users.log_in().json["access_token"]) == new


def test_a_withdrawn_key_verifies_nothing_any_more_not_even_what_it_has_verified(users, clock):
    location, token = users.customer()
    users.keys.rotate()
    clock.on(LEAD)
    assert users.ask("GET", location, token=token).status_code == 200
    with users.db.transaction() as tx:
        store.remove_keys(tx, before=time.time())
    assert users.ask("GET", location, token=token).status_code == 401


@on_both
def test_keys_that_follow_each_other_quickly_all_verify_and_the_newest_signs(users, clock):
    administrator = users.administrator()
    made = [users.ask("POST", "/keys", token=administrator).json["kid"] for _ in range(3)]
    assert published(users)[:3] == made[::-1]
    clock.on(LEAD)
    assert kid_of(users.administrator()) == made[-1]
    clock.on(KEY_SECONDS)
    prune(users)
    assert published(users) == [made[-1]]
    clock.on(10 * KEY_SECONDS)
    prune(users)
    assert published(users) == [made[-1]], "the one that signs is never taken away"


def test_only_an_administrator_makes_keys(users):
    _, token = users.customer()
    assert users.ask("POST", "/keys", token=token).status_code == 403
    assert users.ask("POST", "/keys").status_code == 401
    assert len(published(users)) == 1


@on_both
def test_rotations_at_once_make_a_key_each(users):
    made = at_once(lambda _: users.keys.rotate().kid, 5)
    assert len(set(made)) == 5 and set(made) < set(published(users))


@on_both
def test_a_rotation_that_was_overtaken_takes_the_next_number(users, monkeypatch):
    add, refused = store.add_key, []

    def overtaken(_tx, key) -> bool:
        monkeypatch.setattr(store, "add_key", add)
        refused.append(key.number)
        return False

    monkeypatch.setattr(store, "add_key", overtaken)
    made = users.keys.rotate()
    assert (refused, made.number) == ([2], 2)
    with users.db.transaction() as tx:
        twin = users.keys._new(2, 0.0)
        assert not store.add_key(tx, twin)
    assert twin.kid not in published(users) and made.kid in published(users)


def test_private_keys_cannot_be_read_in_the_database(users):
    signer = users.keys.signer()
    raw = signer.private.private_bytes_raw()
    with users.db.reading() as session:
        (key,) = store.keys(session)
    hidden = base64.urlsafe_b64decode(key.private + "==")
    assert raw not in hidden and raw[:16] not in hidden and SECRET.encode() not in hidden


def test_a_key_encrypted_with_another_secret_is_said_so_at_the_start(users):
    with pytest.raises(WrongSecret) as said:
        create_app(settings_for(users.url, key_secret="another secret for tests"))
    words = str(said.value)
    assert words.startswith("KEY_SECRET does not open the private key") and published(users)[0] in words
    assert SECRET not in words and "another secret" not in words


def test_a_private_key_under_another_ones_id_is_not_opened(users):
    users.keys.rotate()
    with users.db.transaction() as tx:
        new, old = store.keys(tx)
        old.private = new.private
    with pytest.raises(WrongSecret):
        users.keys.prepare()


@on_both
def test_a_start_makes_nothing_that_is_there_already(users):
    before = published(users)
    with users.db.reading() as session:
        administrator = store.by_email(session, ADMINISTRATOR)
    again = create_app(settings_for(users.url, password_administrator="another password"))
    assert [key["kid"] for key in again.test_client().get("/.well-known/jwks.json").json["keys"]] == before
    with users.db.reading() as session:
        kept = store.by_email(session, ADMINISTRATOR)
    assert (kept.id, kept.password_hash) == (administrator.id, administrator.password_hash)


def test_those_that_start_together_agree_on_one_key_and_one_administrator(database_url, capsys):
    migrate("user", database_url)

    def start(_: int) -> list[dict]:
        db = Database(database_url)
        keys = prepare(db, settings_for(database_url)).jwks()["keys"]
        db.engine.dispose()
        return keys

    found = at_once(start, 6)
    assert len(found[0]) == 1 and all(keys == found[0] for keys in found)
    db = Database(database_url)
    with db.reading() as session:
        assert [user.email for user in session.scalars(select(store.User))] == [ADMINISTRATOR]
        assert list(session.scalars(select(outbox.c.type))) == ["user_registered"]
    db.engine.dispose()
    said = capsys.readouterr().out
    assert said.count("first key made") == said.count("first administrator registered") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"KEY_SECRET": "short"}, "KEY_SECRET"),
        ({"PASSWORD_ADMINISTRATOR": "short"}, "PASSWORD_ADMINISTRATOR"),
        ({"PROXIES": "-1"}, "PROXIES"),
        ({"KEY_SECRET": None}, "KEY_SECRET"),
    ],
)
def test_wrong_settings_are_named_and_secrets_are_not_shown(monkeypatch, change, words):
    given = {"SERVICE": "user-service", "KEY_SECRET": SECRET, "PASSWORD_ADMINISTRATOR": "the administrator's"} | change
    for name, value in given.items():
        monkeypatch.setenv(name, value) if value is not None else monkeypatch.delenv(name, raising=False)
    load.cache_clear()
    with pytest.raises(SystemExit) as said:
        load(Settings)
    load.cache_clear()
    assert words in str(said.value) and SECRET not in str(said.value) and "short" not in str(said.value)
