"""What must hold of every comparison, whatever is compared: nothing is said about what did not change, and every difference is
said."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import tests.unhurried  # noqa: F401  no clock
from labs.infra.contracts.breaks import Way, text
from labs.infra.contracts.comparing import compare
from labs.infra.contracts.differences import differences
from labs.infra.contracts.schemas import Comparison

NAMES = st.sampled_from("ab")
SMALL = st.integers(0, 2)
SCALARS = st.none() | st.booleans() | SMALL | st.sampled_from(["", "a", "aa"]) | st.just(0.5)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2))
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null"])
LEAVES = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({}, optional={"type": TYPES | st.lists(TYPES, min_size=1, unique=True)}),
    st.fixed_dictionaries(
        {"type": st.just("string")}, optional={"minLength": SMALL, "maxLength": SMALL, "pattern": NAMES}
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional=dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), SMALL),
    ),
    st.fixed_dictionaries({}, optional={"enum": st.lists(SCALARS, min_size=1, max_size=3), "const": SCALARS}),
    st.just({"$ref": "#/$defs/Tree"}),
)
TREE = {"type": "object", "properties": {"branches": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}


def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas with these inside."""
    some = st.lists(inner, min_size=1, max_size=2)
    return st.one_of(
        st.fixed_dictionaries({"type": st.just("array")}, optional={"items": inner, "maxItems": SMALL}),
        st.fixed_dictionaries({}, optional={"anyOf": some, "allOf": some, "oneOf": some, "not": inner}),
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=2)},
            optional={"required": st.lists(NAMES, unique=True), "additionalProperties": inner},
        ),
    )


def document(schema: Any) -> dict[str, Any]:
    """An event with such data."""
    return {"title": "tea_made", "type": "object", "properties": {"data": schema}, "$defs": {"Tree": TREE}}


@given(st.recursive(LEAVES, larger, max_leaves=6))
def test_nothing_is_said_about_what_did_not_change(schema):
    same = document(schema)
    assert compare(same, same) == []
    assert Comparison(same, same, Way.SENT, "").breaks(schema, schema, "") == []


@given(VALUES, VALUES)
def test_every_difference_is_said(old, new):
    assert bool(list(differences(old, new))) == (text(old) != text(new))
