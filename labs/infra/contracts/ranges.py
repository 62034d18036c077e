"""How large, how long, how many: the ranges that a JSON Schema sets."""

import math
from typing import Any

from labs.infra.contracts.variants import Schema, values

RANGES = {
    "value": ("minimum", "maximum"),
    "length": ("minLength", "maxLength"),
    "number of items": ("minItems", "maxItems"),
    "number of fields": ("minProperties", "maxProperties"),
}
MEASURED = {"value": (int, float), "length": (str,), "number of items": (list,), "number of fields": (dict,)}
Limit = tuple[float, int]
"""A number, and 1 or -1 if itself it lies outside, below or above."""


def fits(sub: Schema, sup: Schema, name: str) -> bool:
    """Does the range of `sub` lie within that of `sup`?"""
    return _lowest(sub, name) >= _lowest(sup, name) and _highest(sub, name) <= _highest(sup, name)


def interval(schema: Schema, name: str) -> str:
    """The range in words."""
    (low, above), (high, below) = _lowest(schema, name), _highest(schema, name)
    words = (
        [f"{'more than' if above else 'at least'} {low:.15g}"] if low > (-math.inf if name == "value" else 0) else []
    )
    words += [f"{'less than' if below else 'at most'} {high:.15g}"] if high < math.inf else []
    return " and ".join(words) or "any"


def _lowest(schema: Schema, name: str) -> Limit:
    word = RANGES[name][0]
    limits: list[Limit] = [(schema.get(word, -math.inf if name == "value" else 0), 0)]
    if name == "value" and "exclusiveMinimum" in schema:
        limit = schema["exclusiveMinimum"]
        limits.append((math.floor(limit) + 1, 0) if schema.get("type") == "integer" else (limit, 1))
    return max([*limits, *((min(sizes), 0) for sizes in [_sizes(schema, name)] if sizes)])


def _highest(schema: Schema, name: str) -> Limit:
    word = RANGES[name][1]
    limits: list[Limit] = [(schema.get(word, math.inf), 0)]
    if name == "value" and "exclusiveMaximum" in schema:
        limit = schema["exclusiveMaximum"]
        limits.append((math.ceil(limit) - 1, 0) if schema.get("type") == "integer" else (limit, -1))
    return min([*limits, *((max(sizes), 0) for sizes in [_sizes(schema, name)] if sizes)])


def _sizes(schema: Schema, name: str) -> list[Any]:
    """Of the values that it lists."""
    listed: list[Any] = [value for value in values(schema) or () if isinstance(value, MEASURED[name])]
    return listed if name == "value" else [len(value) for value in listed]
