"""No password, token or card number stands in a log, and what is no secret stays readable."""

import json
import time

import pytest

from labs.services.chassis import redaction
from tests.services.tokens import token

CARD = "4111111111111111"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "password",
            "Password",
            "new_password",
            "passphrase",
            "access_token",
            "device_token",
            "client-secret",
            "card",
        ),
        *("Authorization", "card_number", "cvc", "iban", "apiKey", "api_key", "X-API-Key", "cookie", "private_key"),
    ],
)
@pytest.mark.parametrize("value", ["hunter2", 4711, None, ["hunter2"], {"deep": "hunter2"}])
def test_what_its_name_calls_a_secret_is_hidden_whatever_it_is(name, value):
    shown = redaction.body(json.dumps({"lines": [{name: value}], "sku": "tea"}).encode(), True)
    assert json.loads(shown) == {"lines": [{name: "***"}], "sku": "tea"}


def test_a_token_is_hidden_wherever_it_stands():
    sent = token()
    assert redaction.text(f"Bearer {sent}, and more") == "Bearer ***, and more"
    assert json.loads(redaction.body(json.dumps({"note": sent}).encode(), True)) == {"note": "***"}
    assert json.loads(redaction.body(json.dumps({sent: 1}).encode(), True)) == {"***": 1}
    assert redaction.texts({"a": {"b": sent}, "n": 1}) == {"a": {"b": "***"}, "n": 1}


@pytest.mark.parametrize("number", [CARD, "4111 1111 1111 1111", "5500-0055-5555-5559", "378282246310005"])
def test_a_card_number_is_hidden_wherever_it_stands(number):
    assert redaction.text(f"pay with {number}, please") == "pay with ***, please"


def test_a_card_number_that_is_a_number_is_hidden_too():
    assert json.loads(redaction.body(json.dumps({"note": int(CARD), "n": 12}).encode(), True)) == {
        "note": "***",
        "n": 12,
    }


@pytest.mark.parametrize(
    "harmless",
    [
        "4111111111111112",
        "12345678-1234-1234-1234-123456789012",
        "2026-11-23T03:22:36.836Z",
        "tea 12 cups",
        "+4915112345678",
    ],
)
def test_what_only_looks_like_one_stays(harmless):
    assert redaction.text(harmless) == harmless


@pytest.mark.parametrize("raw", [b'{"password": "hunter2"', b"password=hunter2", b"\xff\xfe", b"[" * 100_000])
def test_what_cannot_be_searched_is_not_shown(raw):
    assert redaction.body(raw, True) == f"{len(raw)} bytes that are not JSON"
    assert redaction.body(b'{"password": "hunter2"}', False) == "23 bytes that are not JSON"


def test_nothing_is_nothing():
    assert redaction.body(b"", True) == ""


def test_a_long_body_is_cut_and_costs_little():
    raw = json.dumps({"lines": [{"sku": f"sku-{n}", "quantity": n} for n in range(10_000)], "password": "x"}).encode()
    started = time.perf_counter()
    shown = redaction.body(raw, True)
    assert time.perf_counter() - started < 0.5
    assert shown.startswith('{"lines": [{"sku": "sku-0"') and shown.endswith(f"… ({len(raw)} bytes)")
    assert len(shown) < redaction.LONGEST + 30


def test_a_deep_body_does_no_harm():
    raw = b'{"a":' * 900 + b"1" + b"}" * 900
    assert redaction.body(raw, True).startswith('{"a": {"a": ')
