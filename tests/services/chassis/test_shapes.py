"""What fits the shapes that services share, and what does not; their description agrees."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from labs.services.chassis.shapes import LARGEST_AMOUNT, LARGEST_QUANTITY, Currency, Money, Quantity, Sku

GOOD = [
    *((Sku, text) for text in ("tea", "0", "a-b-", "x" * 40)),
    *((Quantity, n) for n in (1, LARGEST_QUANTITY)),
    *((Currency, text) for text in ("EUR", "XXX")),
    *((Money, {"amount": n, "currency": "EUR"}) for n in (0, LARGEST_AMOUNT)),
]
BAD = [
    *((Sku, text) for text in ("", "-a", "Tea", "green tea", "../tea", "tea\n", "x" * 41, "té", None, 1)),
    *((Quantity, n) for n in (0, -1, LARGEST_QUANTITY + 1, "1", 1.5, True, None)),
    *((Currency, text) for text in ("", "eur", "EURO", "EUR\n", "ＥＵＲ", None)),
    *((Money, {"amount": n, "currency": "EUR"}) for n in (-1, LARGEST_AMOUNT + 1, "1", 0.5, True, None)),
    *((Money, body) for body in ({}, {"amount": 1}, {"amount": 1, "currency": "EUR", "cents": 1}, 350)),
]


@pytest.mark.parametrize(("shape", "value"), GOOD)
def test_what_fits_is_taken_as_it_is_and_described_as_good(shape: Any, value: Any):
    taken = TypeAdapter(shape).validate_python(value)
    assert (taken.model_dump() if isinstance(taken, Money) else taken) == value
    assert described(shape, value)


@pytest.mark.parametrize(("shape", "value"), BAD)
def test_what_does_not_fit_is_refused_and_described_as_bad(shape: Any, value: Any):
    with pytest.raises(ValidationError):
        TypeAdapter(shape).validate_python(value)
    ends_line = isinstance(value, str) and value.endswith("\n")  # `$` of Python's re, not of ECMA 262, lets that pass
    assert ends_line or not described(shape, value)


def described(shape: Any, value: Any) -> bool:
    """Does the schema that goes into OpenAPI allow it?"""
    return bool(Draft202012Validator(TypeAdapter(shape).json_schema()).is_valid(value))


@pytest.mark.parametrize(
    ("shape", "value", "words"),
    [(Sku, "Tea", "must be 1 to 40 small letters, digits or hyphens"), (Currency, "eur", "ISO 4217")],
)
def test_what_is_wrong_is_said_in_words(shape, value, words):
    with pytest.raises(ValidationError, match=words):
        TypeAdapter(shape).validate_python(value)


def test_money_can_be_a_key_and_does_not_change():
    price = Money(amount=350, currency="EUR")
    assert {price: 1}[Money(amount=350, currency="EUR")] == 1
    with pytest.raises(ValidationError, match="frozen"):
        price.amount = 1
