"""What must hold of every comparison, whatever is compared: nothing is said about what did not change, and where nothing is
said, jsonschema agrees that nothing breaks."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from labs.infra.contracts.breaks import Way
from labs.infra.contracts.comparing import compare
from labs.infra.contracts.differences import differences
from labs.infra.contracts.schemas import Comparison

NAMES = st.sampled_from("ab")
SMALL = st.integers(0, 2)
SCALARS = st.none() | st.booleans() | SMALL | st.sampled_from(["", "a", "aa"]) | st.just(0.5)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2))
LEAVES = st.one_of(
    st.booleans(),
    st.builds(dict),
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "number", "boolean", "null"])}),
    st.fixed_dictionaries({"type": st.just("string")}, optional={"minLength": SMALL, "maxLength": SMALL}),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={word: SMALL for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")},
    ),
    st.fixed_dictionaries({"enum": st.lists(SCALARS, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": SCALARS}),
    st.fixed_dictionaries({"type": st.lists(st.sampled_from(["string", "integer", "null"]), min_size=1, unique=True)}),
    st.just({"$ref": "#/$defs/Pair"}),
)
PAIR = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}


def schemas(**closing: Any) -> st.SearchStrategy[Any]:
    """JSON Schemas; objects in them also say `closing`."""

    def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(
            st.fixed_dictionaries({"type": st.just("array")}, optional={"items": inner, "maxItems": SMALL}),
            st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
            st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
            st.fixed_dictionaries(
                {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=2)},
                optional={"required": st.lists(NAMES, unique=True)},
            ).map(lambda schema: schema | closing),
        )

    return st.recursive(LEAVES, larger, max_leaves=6)


def changed(schema: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Two schemas; often one is the other with something beside it, so that they have something in common."""
    return st.one_of(
        st.tuples(schema, schema),
        st.tuples(schema, schema).map(lambda two: (two[0], {"anyOf": [*two]})),
        st.tuples(schema, schema).map(lambda two: ({"anyOf": [*two]}, two[0])),
        st.tuples(schema, schema).map(lambda two: (two[0], {"allOf": [*two]})),
        st.tuples(schema, schema).map(lambda two: ({"allOf": [*two]}, two[0])),
    )


def document(schema: Any) -> dict[str, Any]:
    """An event with such data."""
    return {"title": "tea_made", "type": "object", "properties": {"data": schema}, "$defs": {"Pair": PAIR}}


def lets_through(schema: Any, value: Any) -> bool:
    """What jsonschema says."""
    whole = {"$defs": {"Pair": PAIR}, "allOf": [schema]}
    return Draft202012Validator(whole).is_valid(value)


@given(schemas())
def test_nothing_is_said_about_what_did_not_change(schema):
    assert compare(document(schema), document(schema)) == []
    for way in Way:
        assert Comparison(document(schema), document(schema), way, "").breaks(schema, schema, "") == []


@settings(max_examples=400)
@given(changed(schemas(additionalProperties=False)), st.lists(VALUES, min_size=20, max_size=20))
def test_what_was_accepted_is_accepted_where_nothing_is_said(two, values):
    old, new = two
    if not Comparison(document(old), document(new), Way.SENT, "").breaks(old, new, ""):
        assert [value for value in values if lets_through(old, value) and not lets_through(new, value)] == []


@settings(max_examples=400)
@given(changed(schemas()), st.lists(VALUES, min_size=20, max_size=20))
def test_what_comes_was_announced_where_nothing_is_said(two, values):
    old, new = two
    if not Comparison(document(old), document(new), Way.READ, "").breaks(old, new, ""):
        assert [value for value in values if lets_through(new, value) and not lets_through(old, value)] == []


@given(VALUES, VALUES)
def test_every_difference_is_said(old, new):
    assert list(differences(old, old)) == []
    same = Draft202012Validator({"const": old}).is_valid(new) and repr(old) == repr(new)
    assert same or isinstance(old, dict) or list(differences(old, new))
