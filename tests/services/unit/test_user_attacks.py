"""What an attacker sends to user-service, and does not get. Tokens are attacked end to end: with keys that the service itself
publishes, at its own endpoints."""

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from labs.services.user import store
from tests.services.tokens import ADMINISTRATOR as EVERYTHING
from tests.services.unit.user_stand import ADMINISTRATOR, ADMINISTRATORS, PASSWORD, SECRET, Users, on_both

SQL = ["' OR '1'='1", "'; DROP TABLE users; --", "admin@shop.example'--", '" OR ""="', "%", "_", "1 UNION SELECT 1"]


def claims(users: Users, **changes: Any) -> dict[str, Any]:
    """What a real token of a customer says, with changes; None takes a claim out."""
    real = jwt.decode(users.log_in().json["access_token"], options={"verify_signature": False})
    return {name: value for name, value in (real | changes).items() if value is not None}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: dict[str, Any], says: dict[str, Any]) -> str:
    """The first two parts of a token, which no library would write."""
    return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(says).encode())}"


def assert_refused(users: Users, token: str) -> None:
    """By every endpoint that wants one."""
    own = f"/users/{claims(users)['sub']}"
    body = {"name": "Taken over"}
    for method, path, sent in (
        ("GET", own, None),
        ("PATCH", own, body),
        ("GET", f"{own}/permissions", None),
        ("PUT", f"{own}/roles", {"roles": ["admin"]}),
        ("GET", "/users", None),
        ("POST", "/keys", None),
    ):
        answer = users.ask(method, path, sent, token)
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json"), (path, answer.text)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def profile(users: Users) -> dict[str, Any]:
    """As the database has it."""
    with users.db.reading() as session:
        user = store.by_email(session, "customer@example.org")
        return {"roles": user.roles, "name": user.name, "version": user.version, "id": user.id}


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None])
@pytest.mark.parametrize("signature", ["", "c2lnbmVk"])
def test_a_token_without_a_signature_is_refused(users, algorithm, signature):
    users.register()
    kid = users.keys.signer().kid
    token = by_hand({"alg": algorithm, "typ": "JWT", "kid": kid}, claims(users, permissions=list(EVERYTHING)))
    assert_refused(users, f"{token}.{signature}")


@pytest.mark.parametrize("form", ["raw", "pem", "der", "x", "jwk"])
def test_a_token_signed_with_the_public_key_as_if_it_were_a_shared_secret_is_refused(users, form):
    users.register()
    (key,) = users.ask("GET", "/.well-known/jwks.json").json["keys"]
    raw = base64.urlsafe_b64decode(key["x"] + "=")
    public = Ed25519PublicKey.from_public_bytes(raw)
    secrets = {
        "raw": raw,
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "x": key["x"].encode(),
        "jwk": json.dumps(key).encode(),
    }
    signed = by_hand({"alg": "HS256", "typ": "JWT", "kid": key["kid"]}, claims(users, permissions=list(EVERYTHING)))
    assert_refused(users, f"{signed}.{encoded(hmac.digest(secrets[form], signed.encode(), 'sha256'))}")


@pytest.mark.parametrize(
    "change",
    [
        {"exp": 1},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"exp": "never"},
        {"aud": "another shop"},
        {"aud": None},
        {"aud": ["another", "shops"]},
        {"iss": "order-service"},
        {"iss": None},
        {"sub": None},
        {"sub": 1},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"permissions": None},
        {"permissions": "users:all"},
        {"permissions": [["users:all"]]},
    ],
    ids=", ".join,  # its names: values that differ from run to run would make other tests
)
def test_a_token_with_a_wrong_claim_is_refused_although_we_signed_it(users, change):
    users.register()
    assert_refused(users, sign(users, claims(users, **({"permissions": list(EVERYTHING)} | change))))


def sign(users: Users, says: dict[str, Any]) -> str:
    """Signed by us, whatever it says."""
    signer = users.keys.signer()
    token = by_hand({"alg": "EdDSA", "typ": "JWT", "kid": signer.kid}, says)
    return f"{token}.{encoded(signer.private.sign(token.encode()))}"


@on_both
@pytest.mark.parametrize(
    "kid", [None, 1, "", "other", "../../etc/passwd", "' OR 1=1 --", "a\x00b", "\ud800", "x" * 5000, ["a"]]
)
def test_a_token_that_names_no_key_of_ours_is_refused(users, kid):
    users.register()
    header = {"alg": "EdDSA", "typ": "JWT", "kid": kid}
    token = by_hand(header, claims(users))
    assert_refused(users, f"{token}.{encoded(users.keys.signer().private.sign(token.encode()))}")


def test_a_key_that_the_token_brings_along_is_not_believed(users):
    users.register()
    own = Ed25519PrivateKey.generate()
    x = encoded(own.public_key().public_bytes_raw())
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": users.keys.signer().kid}
    for extra in (
        {"jwk": jwk},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/"},
        {"crit": ["x"], "x": 1},
    ):
        header = {"alg": "EdDSA", "typ": "JWT", "kid": users.keys.signer().kid, **extra}
        token = by_hand(header, claims(users, permissions=list(EVERYTHING)))
        assert_refused(users, f"{token}.{encoded(own.sign(token.encode()))}")


def test_a_token_with_other_claims_under_a_real_signature_is_refused(users):
    users.register()
    head, _, signature = users.log_in().json["access_token"].split(".")
    more = encoded(json.dumps(claims(users, permissions=list(EVERYTHING))).encode())
    assert_refused(users, f"{head}.{more}.{signature}")
    assert_refused(users, f"{head}.{more}.")


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "null", "eyJhbGciOiJFZERTQSJ9..", "x" * 7000, "ä.ö.ü"])
def test_what_is_no_token_is_refused(users, token):
    users.register()
    assert_refused(users, token)


@pytest.mark.parametrize("header", ["", "Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer ", "bearer\t", "Token x"])
def test_what_is_no_bearer_token_is_refused(users, header):
    location, _ = users.customer()
    assert users.ask("GET", location, headers={"Authorization": header}).status_code == 401


# --- somebody else's, and more than one may ---------------------------------------------------------------------------


def test_another_users_profile_is_neither_shown_nor_changed(users):
    victim, _ = users.customer()
    before = profile(users)
    _, token = users.customer("attacker@example.org")
    for method, path, body in (
        ("GET", victim, None),
        ("PATCH", victim, {"email": "attacker-2@example.org"}),
        ("GET", f"{victim}/permissions", None),
        ("PUT", f"{victim}/roles", {"roles": []}),
        ("GET", victim.upper().replace("/USERS", "/users"), None),
    ):
        answer = users.ask(method, path, body, token)
        assert answer.status_code == 403, (method, path, answer.text)
        assert "customer@example.org" not in answer.text
    assert profile(users) == before


@pytest.mark.parametrize(
    "more",
    [
        {"roles": ["admin"]},
        {"role": "admin"},
        {"permissions": ["users:all"]},
        {"grants": [{"role": "admin"}]},
        {"is_admin": True},
        {"id": "00000000-0000-4000-8000-000000000000"},
        {"position": 0},
        {"password_hash": "x"},
        {"password": "another password"},
        {"created_at": "2000-01-01T00:00:00+00:00"},
        {"__class__": "x"},
        {"metadata": {}},
    ],
    ids=str,
)
def test_nobody_gives_themselves_what_is_not_theirs_to_give(users, more):
    location, token = users.customer()
    before = profile(users)
    changed = users.ask("PATCH", location, {"name": "X"} | more, token)
    assert changed.status_code == 422 and next(iter(more)) in changed.json["errors"]["json"]
    if "password" not in more:
        assert users.register("new@example.org", **more).status_code == 422
    assert profile(users) == before
    assert users.log_in("new@example.org").status_code == 401


def test_a_customer_and_a_clerk_cannot_make_themselves_administrators(users):
    location, token = users.customer()
    assert users.ask("PUT", f"{location}/roles", {"roles": ["admin"]}, token).status_code == 403
    users.ask("PUT", f"{location}/roles", {"roles": ["clerk"]}, users.administrator())
    clerk = users.log_in().json["access_token"]
    assert users.ask("PUT", f"{location}/roles", {"roles": ["admin"]}, clerk).status_code == 403
    assert users.ask("POST", "/keys", token=clerk).status_code == 403
    assert users.ask("GET", "/users", token=clerk).status_code == 403
    assert profile(users)["roles"] == ["clerk"]


@on_both
def test_the_administrators_address_cannot_be_taken(users):
    location, token = users.customer()
    for email in (ADMINISTRATOR, ADMINISTRATOR.upper(), "Admin@Shop.Example"):
        assert users.register(email).status_code == 409
        assert users.ask("PATCH", location, {"email": email}, token).status_code == 409


@pytest.mark.parametrize(
    "email",
    [
        "аdmin@shop.example",  # Cyrillic а
        "admin@ѕhop.example",  # Cyrillic ѕ
        "ADMıN@shop.example",  # dotless ı, whose capital is I
        "admin@shop.example\u200b",
        "admin\u00ad@shop.example",
        "ａdmin@shop.example",  # full width
        "admin＠shop.example",
        "\u212aelvin@shop.example",  # the sign for kelvin, whose small letter is k
        " admin@shop.example",
        "admin@shop.example\x00",
        "admin@shop.example\n",
        "admin@shop.example, ann@example.org",
        '"admin"@shop.example',
        "<admin@shop.example>",
    ],
    ids=ascii,
)
def test_an_address_that_only_looks_like_one_is_refused(users, email):
    location, token = users.customer()
    assert users.register(email).status_code == 422
    assert users.ask("PATCH", location, {"email": email}, token).status_code == 422
    assert users.log_in(email, ADMINISTRATORS).status_code == 422


# --- texts ------------------------------------------------------------------------------------------------------------


@on_both
@pytest.mark.parametrize("text", SQL)
def test_sql_in_a_text_is_a_text(users, text):
    assert users.log_in(ADMINISTRATOR, f"{PASSWORD}{text}").status_code == 401
    assert users.log_in(text).status_code == 422
    location, token = users.customer(name=text)
    assert users.ask("GET", location, token=token).json["name"] == text
    administrator = users.administrator()
    for path in (f"/users/{text}", f"/users/{text}/permissions"):
        assert users.ask("GET", path, token=administrator).status_code == 404
    with users.db.reading() as session:
        assert len(list(session.scalars(select(store.User.id)))) == 2


@pytest.mark.parametrize("length", [128, 129, 10_000, 500_000])
def test_a_long_password_is_taken_whole_or_refused_but_never_cut(users, length):
    password = "p" * length
    answer = users.register(password=password)
    assert answer.status_code == (201 if length <= 128 else 422)
    assert password not in answer.text
    assert users.log_in(password=password).status_code == (200 if length <= 128 else 422)
    assert users.log_in(password=password[:127]).status_code == 401


@on_both
def test_a_password_does_not_end_at_a_nul(users):
    users.register(password="correct\x00horse")
    assert users.log_in(password="correct\x00horse").status_code == 200
    assert users.log_in(password="correct\x00mule ").status_code == 401
    assert users.log_in(password="correct\x00").status_code == 401
    assert users.log_in(password="correct").status_code == 422


@on_both
@pytest.mark.parametrize("field", ["name", "email", "phone", "device_token"])
def test_a_nul_in_any_other_text_is_refused(users, field):
    location, token = users.customer()
    for text in ("\x00", "a\x00b", "+49151\x0012345678", "ann\x00@example.org"):
        assert users.register(**({"email": "new@example.org"} | {field: text})).status_code == 422
        assert users.ask("PATCH", location, {field: text}, token).status_code == 422


@on_both
def test_a_cursor_that_nobody_gave_out_is_refused(users):
    administrator = users.administrator()
    for place in ([10**30], [-(10**30)], ["1"], [True], [1.5], [None], [], {}, [1, 2], [[1]]):
        after = encoded(json.dumps(place).encode())
        answer = users.ask("GET", "/users", token=administrator, query_string={"after": after})
        assert answer.status_code == 422, (place, answer.text)


# --- passwords leave no trace -----------------------------------------------------------------------------------------


def test_a_password_stands_in_no_log_answer_event_or_table(users, capsys):
    secret = "Wr0ng&Secret-battery"
    answers = [
        users.register(password=secret),
        users.log_in(password=secret),
        users.log_in(password=f"{secret}!"),
        users.register("new@example.org", password=secret * 9),
        users.register("new@example.org", password=secret, passwort=secret),
        users.log_in("no address", secret),
        users.ask("POST", "/tokens", query_string={"email": "customer@example.org", "password": secret}),
        users.ask("POST", "/tokens", {}, query_string={"email": "customer@example.org", "password": secret}),
        users.ask("POST", "/tokens", data=f"email=customer@example.org&password={secret}"),
        users.ask("POST", "/tokens", data=f'{{"email": "customer@example.org", "password": "{secret}"'),
        users.ask("POST", "/tokens", [{"password": secret}]),
        users.ask("POST", "/tokens", {"email": "customer@example.org", "password": {"password": secret}}),
        users.ask("GET", f"/users?password={secret}", token=users.administrator()),
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:3] == [201, 200, 401] and all(400 <= status < 500 for status in statuses[2:]), statuses
    for answer in answers:
        assert secret not in answer.text and secret not in str(answer.headers), answer.status_code
    said = capsys.readouterr()
    assert '"POST /tokens"' in said.out
    assert secret not in said.out + said.err
    assert ADMINISTRATORS not in said.out + said.err and SECRET not in said.out + said.err
    token = answers[1].json["access_token"]
    assert token not in said.out + said.err and token.split(".")[2] not in said.out + said.err
    assert secret not in users.everything_told() and "password" not in users.everything_told()
    with users.db.reading() as session:
        assert secret not in "".join(session.scalars(select(store.User.password_hash)))


def test_a_crash_while_somebody_logs_in_does_not_log_the_password(users, capsys, monkeypatch):
    def fail(*_: Any) -> Any:
        raise RuntimeError("broken")

    users.register()
    monkeypatch.setattr(store, "by_email", fail)
    answer = users.log_in(password="Wr0ng&Secret-battery")
    said = capsys.readouterr()
    assert answer.status_code == 500 and "RuntimeError" in said.out
    assert "Wr0ng" not in said.out + said.err + answer.text
