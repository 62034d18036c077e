"""Every change from one to another of some hundred small schemas, held against jsonschema: where the comparison is silent no
value shows that something breaks, and where it speaks of a break there is one that does."""

from functools import cache
from itertools import product
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from labs.infra.contracts.breaks import Break, Way, text
from labs.infra.contracts.schemas import Comparison

DOCUMENT = {"$defs": {"Pair": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}}}
SIMPLE: list[dict[str, Any]] = [
    {},
    {"type": "null"},
    {"type": "boolean"},
    {"type": "string"},
    {"type": ["string", "null"]},
    {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 1}]},
    {"type": "string", "minLength": 1},
    {"enum": ["a"]},
    {"enum": ["a", "b"]},
    {"enum": ["a", None]},
    {"const": "b"},
    {"const": True},
    {"type": "number"},
    {"type": "integer"},
    {"type": "number", "minimum": 1},
    {"type": "number", "exclusiveMinimum": 1},
    {"type": "integer", "exclusiveMinimum": 0},
    {"type": "integer", "minimum": 1, "maximum": 2},
    {"allOf": [{"type": "integer"}, {"type": "number", "maximum": 1}]},
    {"enum": [1, 3]},
]
OBJECT = {"type": "object", "additionalProperties": False}
A_TEXT, A_WHOLE = {"a": {"type": "string"}}, {"a": {"type": "integer"}}
COMPOSED: list[dict[str, Any]] = [
    {"type": "array"},
    {"$ref": "#/$defs/Pair"},
    *({"type": "array", "items": each} for each in SIMPLE[3:16:4]),
    {"type": "array", "maxItems": 1},
    OBJECT,
    *({**OBJECT, "properties": each} for each in (A_TEXT, A_WHOLE, {**A_TEXT, "b": {}})),
    *({**OBJECT, "properties": each, "required": ["a"]} for each in (A_TEXT, {**A_TEXT, "b": {}})),
    {**OBJECT, "properties": {"a": {"$ref": "#/$defs/Pair"}}},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"anyOf": [{"type": "integer"}, {**OBJECT, "properties": A_TEXT}]},
]
SCHEMAS = SIMPLE + COMPOSED
INNER = [None, True, False, "", "a", "b", "bb", 0, 0.5, 1, 1.5, 2, 3, [], [1, 2]]
VALUES = [
    *INNER,
    *([each] * 2 for each in INNER[:9]),
    ["a"],
    [1.5, 2],
    [1.5],
    [0.5],
    [1],
    [True],
    [[1]],
    [1, "a"],
    [1, 2, 3],
    {},
]
VALUES += [{"a": each} for each in INNER] + [{"b": 1}, {"a": "a", "b": 1}, {"a": 1, "b": 1}, {"c": 1}, {"c": "a"}]


@cache
def let_through(number: int) -> frozenset[str]:
    """The values that jsonschema lets through one of the schemas."""
    validator = Draft202012Validator(DOCUMENT | {"allOf": [SCHEMAS[number]]})
    return frozenset(text(value) for value in VALUES if validator.is_valid(value))


def found(old: int, new: int, way: Way) -> list[Break]:
    """What the comparison says."""
    return Comparison(DOCUMENT, DOCUMENT, way, "somebody").breaks(SCHEMAS[old], SCHEMAS[new], "")


@pytest.mark.parametrize("old", range(len(SCHEMAS)), ids=[text(schema) for schema in SCHEMAS])
def test_what_callers_send(old):
    for new in range(len(SCHEMAS)):
        refused = let_through(old) - let_through(new)
        breaks = [each for each in found(old, new, Way.SENT) if not each.warning]
        assert bool(refused) == bool(breaks), (SCHEMAS[new], sorted(refused), breaks)


@pytest.mark.parametrize("old", range(len(SIMPLE)), ids=[text(schema) for schema in SIMPLE])
def test_what_readers_get(old):
    for new in range(len(SIMPLE)):
        surprises = let_through(new) - let_through(old)
        assert bool(surprises) == bool(found(old, new, Way.READ)), (SCHEMAS[new], sorted(surprises))


def test_there_is_something_of_everything():
    silent = sum(not found(old, new, Way.SENT) for old, new in product(range(len(SCHEMAS)), repeat=2))
    assert 100 < silent < len(SCHEMAS) ** 2 / 2
