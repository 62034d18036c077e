"""Who is let in with what token, and what the others hear. Nobody else is asked, except for unknown keys."""

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient

from labs.services.chassis import auth as auth_module
from labs.services.chassis import deadline
from labs.services.chassis import keys as keys_module
from labs.services.chassis.api import create_api
from labs.services.chassis.auth import Auth, InvalidToken, Keys, KeysAway, RemoteKeys, StaticKeys
from labs.services.chassis.settings import Settings
from tests.services.chassis.other import Answer, Asked, Other
from tests.services.tokens import CLERK, KEYS, KID, PRIVATE_KEY, bearer, claims, jwks, token

NOW = int(time.time())
STRANGER = Ed25519PrivateKey.generate()
PEM = PRIVATE_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
RAW = PRIVATE_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def client(keys: Keys = KEYS) -> FlaskClient:
    """Of an app with one view for clerks, and one for whoever has a token."""
    app = create_api("probe", Settings(service="probe-service"))
    auth = Auth(keys)

    @app.get("/stock")
    @auth.needs("stock:write", "reports:read")
    def stock() -> Any:
        return {"id": auth.caller().id, "reads": auth.caller().may("reports:read")}

    @app.get("/me")
    @auth.needs()
    def me() -> Any:
        return {"id": auth.caller().id}

    return app.test_client()


def signed(key: Any = PRIVATE_KEY, algorithm: str = "EdDSA", says: dict | None = None, **headers: Any) -> str:
    return jwt.encode(says or claims(), key, algorithm, headers={"kid": KID} | headers)


def by_hand(header: dict[str, Any], signature: bytes = b"") -> str:
    """A token that no library would sign."""
    parts = [json.dumps(header).encode(), json.dumps(claims()).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def hs256(secret: bytes) -> str:
    """Signed with our public key as if that were a secret between two."""
    head, body, _ = by_hand({"alg": "HS256", "typ": "JWT", "kid": KID}).split(".")
    return f"{head}.{body}." + by_hand({}, hmac.digest(secret, f"{head}.{body}".encode(), "sha256")).split(".")[2]


def assert_refused(sent: str, why: str, keys: Keys = KEYS) -> None:
    answer = client(keys).get("/me", headers={"Authorization": f"Bearer {sent}"})
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json"), answer.text
    assert why in answer.json["detail"]
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="shop", error="invalid_token", error_description="')
    assert why in challenge


def test_a_valid_token_is_let_in_and_names_the_caller():
    answer = client().get("/stock", headers=bearer("clerk-1", CLERK))
    assert answer.json == {"id": "clerk-1", "reads": False}


def test_the_scheme_is_written_in_any_case():
    assert client().get("/me", headers={"Authorization": f"bEARER  {token('c-1')}"}).json == {"id": "c-1"}


def test_a_token_whose_signature_was_changed_is_refused():
    head, body, signature = token().split(".")
    assert_refused(f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}", "forged")


def test_a_token_whose_claims_were_changed_is_refused():
    head, _, signature = token("customer-1").split(".")
    assert_refused(f"{head}.{token('somebody-else').split('.')[1]}.{signature}", "forged")


def test_a_token_signed_by_a_stranger_with_our_key_id_is_refused():
    assert_refused(signed(STRANGER), "forged")


def test_an_expired_token_is_refused():
    assert_refused(token(iat=NOW - 1000, exp=NOW - 100), "expired")


def test_a_token_is_not_remembered_beyond_its_end(monkeypatch):
    auth, sent = Auth(KEYS), token(exp=NOW + 10_000)
    auth.verify(sent)
    monkeypatch.setattr(auth_module.time, "time", lambda: NOW + 20_000.0)
    monkeypatch.setattr(
        auth_module.verifying, "claims", lambda *_: (_ for _ in ()).throw(InvalidToken("verified again"))
    )
    with pytest.raises(InvalidToken, match="verified again"):
        auth.verify(sent)


def test_a_token_that_is_not_valid_yet_is_refused():
    assert_refused(token(nbf=NOW + 10_000), "not valid yet")


def test_a_token_issued_in_the_future_is_refused():
    assert_refused(token(iat=NOW + 10_000, exp=NOW + 20_000), "not valid yet")


def test_a_token_without_signature_that_says_alg_none_is_refused():
    assert_refused(by_hand({"alg": "none", "typ": "JWT", "kid": KID}), "not signed with EdDSA")


@pytest.mark.parametrize("secret", [PEM, RAW], ids=["PEM", "raw bytes"])
def test_a_token_signed_with_hs256_and_our_public_key_is_refused(secret):
    assert_refused(hs256(secret), "not signed with EdDSA")


def test_a_token_for_another_audience_is_refused():
    assert_refused(token(aud="another-shop"), "for somebody else")


def test_a_token_of_another_issuer_is_refused():
    assert_refused(token(iss="another-service"), "from somebody else")


def test_a_token_that_names_no_key_is_refused():
    assert_refused(by_hand({"alg": "EdDSA", "typ": "JWT"}), "names no key of ours")


@pytest.mark.parametrize("kid", ["never-heard-of", "", "../../etc/passwd"])
def test_a_token_that_names_an_unknown_key_is_refused(kid):
    assert_refused(signed(kid=kid), "names no key of ours")


def test_a_token_without_an_end_is_refused():
    assert_refused(token(exp=None), "lacks a claim")


@pytest.mark.parametrize("claim", ["iat", "iss", "aud", "sub"])
def test_a_token_that_lacks_a_claim_is_refused(claim):
    assert_refused(signed(says={k: v for k, v in claims().items() if k != claim}), "lacks a claim")


@pytest.mark.parametrize("permissions", ["stock:write", {"stock:write": True}, [1], [["stock:write"]], 1])
def test_a_token_whose_permissions_are_no_list_of_texts_is_refused(permissions):
    assert_refused(signed(says={**claims(), "permissions": permissions}), "no list of texts")


def test_a_token_without_permissions_is_refused():
    assert_refused(signed(says={k: v for k, v in claims().items() if k != "permissions"}), "no list of texts")


@pytest.mark.parametrize("sent", ["", "x", "a.b.c", "{}", "..", "ÿ.ÿ.ÿ", by_hand({"alg": "EdDSA", "kid": 5})])
def test_what_is_no_token_is_refused(sent):
    assert_refused(sent, "The token")


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Basic dXNlcjpwYXNz"}])
def test_who_sends_no_token_hears_how_to_get_one(headers):
    answer = client().get("/me", headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="shop"')
    assert "POST /tokens" in answer.json["detail"]


def test_who_lacks_the_permission_hears_which_one():
    answer = client().get("/stock", headers=bearer("customer-1"))
    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert "stock:write or reports:read" in answer.json["detail"]
    expected = 'Bearer realm="shop", error="insufficient_scope", scope="stock:write reports:read"'
    assert answer.headers["WWW-Authenticate"] == expected


def test_any_one_of_the_permissions_is_enough():
    assert client().get("/stock", headers=bearer("a", ["reports:read"])).json == {"id": "a", "reads": True}


def test_a_token_is_verified_once_and_remembered(monkeypatch):
    auth, sent, verified = Auth(KEYS), token(), []
    decode = jwt.decode
    monkeypatch.setattr(auth_module.jwt, "decode", lambda *a, **k: verified.append(1) or decode(*a, **k))
    assert [auth.verify(sent).id for _ in range(3)] == ["customer-1"] * 3
    assert len(verified) == 1


def test_only_so_many_tokens_are_remembered_and_those_used_last(monkeypatch):
    monkeypatch.setattr(auth_module, "REMEMBERED", 2)
    auth, sent = Auth(KEYS), [token(f"c-{n}") for n in range(3)]
    for each in (sent[0], sent[1], sent[0], sent[2]):
        auth.verify(each)
    assert [known.caller.id for known in auth._verified.values()] == ["c-0", "c-2"]


def test_a_remembered_token_is_refused_once_its_key_is_withdrawn():
    keys = StaticKeys(jwks(of_the_tests=PRIVATE_KEY))
    auth, sent = Auth(keys), token()
    assert auth.verify(sent).id == "customer-1"
    keys._keys.clear()
    with pytest.raises(InvalidToken, match="no key of ours"):
        auth.verify(sent)


@pytest.mark.parametrize("document", [[], {}, {"keys": {}}, {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a"}]}])
def test_what_is_no_key_set_is_refused(document):
    with pytest.raises(ValueError, match="no JWKS"):
        StaticKeys(document)


def test_keys_of_other_kinds_in_a_set_are_left_out():
    document = jwks(good=PRIVATE_KEY)
    document["keys"] += [{"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"}, {"crv": "Ed25519"}, "text"]
    assert StaticKeys(document).find("good") and StaticKeys(document).find("rsa") is None


class KeyServer(Other):
    """user-service's JWKS, which can be slow or broken."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = jwks(of_the_tests=PRIVATE_KEY)
        self.status, self.open = 200, threading.Event()
        self.open.set()
        super().__init__(self.show)

    def show(self, _: Asked) -> Answer:
        document = self.document
        assert self.open.wait(10)
        return Answer(self.status, document)


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """It is up."""
    running = KeyServer()
    yield running
    running.open.set()
    running.close()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "it did not happen within 5 s"
        time.sleep(0.005)


def test_keys_are_fetched_once_for_many_requests_at_once(server):
    keys, found = RemoteKeys(server.url), []
    server.open.clear()
    threads = [threading.Thread(target=lambda: found.append(keys.find(KID))) for _ in range(10)]
    for thread in threads:
        thread.start()
    wait_for(lambda: keys._waiting == 10)
    server.open.set()
    for thread in threads:
        thread.join()
    assert all(found) and len(found) == 10
    assert len(server.asked) == 1


def test_an_unknown_key_is_looked_for_at_most_once_in_five_seconds(server, monkeypatch):
    keys = RemoteKeys(server.url)
    assert [keys.find("unknown") for _ in range(5)] == [None] * 5
    assert len(server.asked) == 1
    monkeypatch.setattr(keys_module, "FETCH_PAUSE", 0.0)
    assert keys.find("unknown") is None
    assert len(server.asked) == 2


def test_a_key_that_may_be_younger_than_the_last_look_is_not_called_unknown(server):
    keys = RemoteKeys(server.url)
    assert keys.find("unknown") is None
    server.document = jwks(of_the_tests=PRIVATE_KEY, new=STRANGER)
    with pytest.raises(KeysAway) as away:
        keys.find("new")
    assert 1 <= away.value.seconds <= 5
    answer = client(keys).get("/me", headers={"Authorization": f"Bearer {signed(STRANGER, kid='new')}"})
    assert answer.status_code == 503 and 1 <= int(answer.headers["Retry-After"]) <= 5


def test_a_new_key_is_found(server, monkeypatch):
    monkeypatch.setattr(keys_module, "FETCH_PAUSE", 0.0)
    keys = RemoteKeys(server.url)
    assert keys.find(KID)
    server.document = jwks(of_the_tests=PRIVATE_KEY, new=STRANGER)
    assert keys.find("new") and keys.find(KID)
    assert len(server.asked) == 2


def test_the_last_known_keys_stay_while_the_server_is_broken(server, monkeypatch):
    monkeypatch.setattr(keys_module, "FETCH_PAUSE", 0.0)
    keys = RemoteKeys(server.url)
    assert keys.find(KID)
    server.status = 500
    with pytest.raises(KeysAway, match="cannot be fetched"):
        keys.find("unknown")
    server.status, server.document = 200, {"no": "keys"}
    with pytest.raises(KeysAway, match="cannot be fetched"):
        keys.find("unknown")
    assert keys.find(KID)


def test_known_keys_cost_no_waiting_while_a_slow_fetch_holds_others_up(server, monkeypatch):
    keys = RemoteKeys(server.url)
    assert keys.find(KID)
    monkeypatch.setattr(keys_module, "FETCH_PAUSE", 0.0)
    server.open.clear()
    refused = []

    def ask() -> None:
        try:
            keys.find("unknown")
        except KeysAway as away:
            refused.append(str(away))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(refused) == 20 - keys_module.MOST_WAITING)
    assert set(refused) == {"too many others wait for the keys"}
    started = time.monotonic()
    assert all(keys.find(KID) for _ in range(100))
    assert time.monotonic() - started < 0.5
    server.open.set()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 2


def test_a_fetch_that_never_ends_costs_a_request_its_time_and_no_more(server, monkeypatch):
    monkeypatch.setattr(keys_module, "FETCH_TIMEOUT", 0.1)
    server.open.clear()
    started = time.monotonic()
    answer = client(RemoteKeys(server.url)).get("/me", headers=bearer())
    assert time.monotonic() - started < 1
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in answer.headers


def test_nobody_waits_for_keys_beyond_the_deadline(server):
    server.open.clear()
    started = time.monotonic()
    with deadline.until(time.time() + 0.05), pytest.raises(KeysAway):
        RemoteKeys(server.url).find(KID)
    assert time.monotonic() - started < 1


def test_a_withdrawn_key_is_gone_after_the_next_look_in_the_background(server, monkeypatch):
    keys = RemoteKeys(server.url)
    assert keys.find(KID)
    server.document = jwks(new=STRANGER)
    assert keys.find(KID)
    monkeypatch.setattr(keys_module, "MAX_AGE", 0.0)
    wait_for(lambda: not keys._keys.get(KID) or not keys.find(KID))
    assert len(server.asked) == 2


def test_the_description_names_the_scheme_and_each_permission_that_is_enough():
    described = client().get("/openapi.json").json
    stock, me = (described["paths"][path]["get"] for path in ("/stock", "/me"))
    assert stock["security"] == [{"bearer": ["stock:write"]}, {"bearer": ["reports:read"]}]
    assert me["security"] == [{"bearer": []}]
    assert described["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert {"401", "403", "503"} <= stock["responses"].keys()
