"""Which changes of a contract break somebody, case by case: the rules of labs/services/contracts/README.md."""

from typing import Any

import pytest

from labs.infra.contracts.comparing import compare, compare_all

TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
NOTHING = {"type": "null"}


def thing(*required: str, **properties: Any) -> dict[str, Any]:
    """The schema of an object with these fields; all are required if none is named."""
    return {"type": "object", "properties": properties, "required": list(required or properties)}


def perhaps(schema: Any) -> dict[str, Any]:
    """Or null."""
    return {"anyOf": [schema, NOTHING]}


def many(schema: Any, **more: Any) -> dict[str, Any]:
    """A list of it."""
    return {"type": "array", "items": schema} | more


def event(data: Any, **definitions: Any) -> dict[str, Any]:
    """The contract of an event with such data."""
    return {"title": "tea_made", **thing("data", data=data), "$defs": definitions}


def api(sent: Any = None, got: Any = None, **definitions: Any) -> dict[str, Any]:
    """The contract of one operation: what it takes, what it answers."""
    operation: dict[str, Any] = {"responses": {"200": {"content": {"application/json": {"schema": got or {}}}}}}
    if sent is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": sent}}}
    return {"openapi": "3.1.0", "paths": {"/tea": {"post": operation}}, "components": {"schemas": definitions}}


def operation(**parts: Any) -> dict[str, Any]:
    """The contract of one operation with these parts."""
    return {"openapi": "3.1.0", "paths": {"/tea/{id}": {"get": {"responses": {"200": {}}} | parts}}}


def query(name: str, **more: Any) -> dict[str, Any]:
    """A parameter of the address."""
    return {"in": "query", "name": name, "schema": TEXT} | more


def said(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What breaks, in words; warnings begin with a question mark."""
    return [f"{'? ' if each.warning else ''}{each.place}: {each.change}" for each in compare(old, new)]


def at(place: str, expected: list[str]) -> list[str]:
    """The same words with the beginning of their place."""
    return [f"? {place}{each[2:]}" if each.startswith("? ") else place + each for each in expected]


LINE = thing(sku=TEXT, quantity=WHOLE)
POINTER = {"$ref": "#/$defs/Line"}
TREE = {"$ref": "#/$defs/Tree"}

READ = {
    "a new field": (thing(a=TEXT), thing(a=TEXT, b=TEXT), []),
    "a removed field": (thing(a=TEXT, b=TEXT), thing(a=TEXT), ["data.b: removed"]),
    "a removed field that was optional": (thing("a", a=TEXT, b=TEXT), thing(a=TEXT), ["data.b: removed"]),
    "a field that may be missing now": (
        thing(a=TEXT),
        {**thing(a=TEXT), "required": []},
        ["data.a: is not always there any more"],
    ),
    "a field that is always there now": (thing("a", a=TEXT, b=TEXT), thing(a=TEXT, b=TEXT), []),
    "another type": (thing(a=TEXT), thing(a=WHOLE), ["data.a: was string, is integer"]),
    "whole numbers only": (NUMBER, WHOLE, []),
    "fractions too": (WHOLE, NUMBER, ["data: was integer, is number"]),
    "may be null now": (thing(a=TEXT), thing(a=perhaps(TEXT)), ["data.a: may be null now"]),
    "null by a list of types": (TEXT, {"type": ["string", "null"]}, ["data: may be null now"]),
    "two ways to say or null": (perhaps(TEXT), {"type": ["null", "string"]}, []),
    "never null any more": (perhaps(TEXT), TEXT, []),
    "a new value": ({"enum": ["a", "b"]}, {"enum": ["a", "b", "c"]}, ['? data: new values: "c"']),
    "a value less": ({"enum": ["a", "b"]}, {"enum": ["a"]}, []),
    "a renamed value": ({"enum": ["a", "b"]}, {"enum": ["a", "c"]}, ['data: was "b", is "c"']),
    "another constant": ({"const": "1"}, {"const": "2"}, ['data: was "1", is "2"']),
    "any value": ({"enum": ["a"]}, TEXT, ["data: was one of a list of values, is any"]),
    "one as text": ({"enum": [1]}, {"enum": ["1"]}, ["data: was integer, is string"]),
    "true is not one": ({"enum": [1]}, {"enum": [True]}, ["data: was integer, is boolean"]),
    "null among the values": ({"enum": ["a"]}, {"enum": ["a", None]}, ["data: may be null now"]),
    "larger": ({**WHOLE, "maximum": 9}, {**WHOLE, "maximum": 99}, ["? data: value was at most 9, is at most 99"]),
    "smaller": ({**WHOLE, "maximum": 99}, {**WHOLE, "maximum": 9}, []),
    "longer": ({**TEXT, "maxLength": 9}, TEXT, ["? data: length was at most 9, is any"]),
    "another pattern": ({**TEXT, "pattern": "a"}, {**TEXT, "pattern": "b"}, ['data: pattern was "a", is "b"']),
    "no format any more": ({**TEXT, "format": "uuid"}, TEXT, ['data: format was "uuid", is not set']),
    "a format": (TEXT, {**TEXT, "format": "uuid"}, []),
    "inside a list of lists": (many(many(TEXT)), many(many(WHOLE)), ["data[][]: was string, is integer"]),
    "inside a list of objects": (many(LINE), many(thing(sku=TEXT)), ["data[].quantity: removed"]),
    "a list instead of one": (TEXT, many(TEXT), ["data: was string, is array"]),
    "an empty list": (many(TEXT, minItems=1), many(TEXT), ["? data: number of items was at least 1, is any"]),
    "behind a reference": (many(POINTER), many(thing(sku=TEXT)), ["data[].quantity: removed"]),
    "a reference instead of the same": (many(LINE), many(POINTER), []),
    "the part that is common": ({"allOf": [LINE, thing(a=TEXT)]}, LINE, ["data.a: removed"]),
    "a map of other things": (
        {"type": "object", "additionalProperties": WHOLE},
        {"type": "object", "additionalProperties": TEXT},
        ["data.*: was integer, is string"],
    ),
    "an alternative more": (
        {"anyOf": [LINE, TEXT]},
        {"anyOf": [LINE, TEXT, WHOLE]},
        ["data: was object or string, is integer or object or string"],
    ),
    "an alternative less": ({"anyOf": [LINE, TEXT]}, LINE, []),
    "what nobody compares": ({**TEXT, "not": {"const": ""}}, TEXT, ['data: not was {"const": ""}, is not set']),
    "anything": (TEXT, {}, ["data: was string, is anything"]),
    "other words about it": ({**TEXT, "description": "a"}, {**TEXT, "description": "b", "title": "B"}, []),
}


@pytest.mark.parametrize(("old", "new", "expected"), READ.values(), ids=READ)
def test_for_readers_of_events_and_of_answers(old, new, expected):
    assert said(event(old, Line=LINE), event(new, Line=LINE)) == at("tea_made.", expected)


SENT = {
    "a new optional field": (thing("a", a=TEXT), thing("a", a=TEXT, b=TEXT), []),
    "a new required field": (thing("a", a=TEXT), thing(a=TEXT, b=TEXT), ["body.b: is required now"]),
    "optional becomes required": (thing("a", a=TEXT, b=TEXT), thing(a=TEXT, b=TEXT), ["body.b: is required now"]),
    "required becomes optional": (thing(a=TEXT, b=TEXT), thing("a", a=TEXT, b=TEXT), []),
    "a field that is ignored now": (thing(a=TEXT, b=TEXT), thing(a=TEXT), ["? body.b: removed, and ignored now"]),
    "a field that is refused now": (
        {**thing("a", a=TEXT, b=TEXT), "additionalProperties": False},
        {**thing(a=TEXT), "additionalProperties": False},
        ["body.b: removed, and refused now"],
    ),
    "unknown fields are refused now": (
        thing(a=TEXT),
        {**thing(a=TEXT), "additionalProperties": False},
        ["body: fields without a name here are refused now"],
    ),
    "null is taken now": (thing(a=TEXT), thing(a=perhaps(TEXT)), []),
    "null is not taken any more": (thing(a=perhaps(TEXT)), thing(a=TEXT), ["body.a: may not be null any more"]),
    "fewer values": ({"enum": ["a", "b"]}, {"enum": ["a"]}, ['body: no longer accepted: "b"']),
    "more values": ({"enum": ["a"]}, {"enum": ["a", "b"]}, []),
    "only some values": (TEXT, {"enum": ["a"]}, ['body: was any, is one of a list of values: "a"']),
    "narrower": (
        {**WHOLE, "minimum": 0},
        {**WHOLE, "exclusiveMinimum": 0},
        ["body: value was at least 0, is at least 1"],
    ),
    "the same range in other words": ({**WHOLE, "minimum": 1}, {**WHOLE, "exclusiveMinimum": 0}, []),
    "just outside": (
        {**NUMBER, "minimum": 1},
        {**NUMBER, "exclusiveMinimum": 1},
        ["body: value was at least 1, is more than 1"],
    ),
    "wider": ({**WHOLE, "maximum": 9}, {**WHOLE, "maximum": 99}, []),
    "shorter lists": (
        many(TEXT, maxItems=100),
        many(TEXT, maxItems=10),
        ["body: number of items was at most 100, is at most 10"],
    ),
    "no duplicates": (many(TEXT), many(TEXT, uniqueItems=True), ["body: uniqueItems was not set, is true"]),
    "a pattern": (TEXT, {**TEXT, "pattern": "a"}, ['body: pattern was not set, is "a"']),
    "values that fit the new range": ({"enum": [1, 2]}, {**WHOLE, "minimum": 1}, []),
    "a value that does not": (
        {"enum": [0, 2]},
        {**WHOLE, "minimum": 1},
        ["body: value was at least 0 and at most 2, is at least 1"],
    ),
    "deep in a list": (many(LINE), many(thing(sku=WHOLE, quantity=WHOLE)), ["body[].sku: was string, is integer"]),
    "a tree, inside itself": (TREE, TREE, ["body.leaf: was string, is integer"]),
}


@pytest.mark.parametrize(("old", "new", "expected"), SENT.values(), ids=SENT)
def test_for_callers_that_send(old, new, expected):
    before = api(old) | {"$defs": {"Tree": thing("leaf", leaf=TEXT, branches=many(TREE))}}
    after = api(new) | {"$defs": {"Tree": thing("leaf", leaf=WHOLE, branches=many(TREE))}}
    assert said(before, after) == at("POST /tea · ", expected)


def test_the_same_change_is_for_readers_what_it_is_not_for_senders():
    wide, narrow = thing(a=perhaps(TEXT)), thing(a=TEXT)
    assert said(api(sent=wide, got=narrow), api(sent=narrow, got=wide)) == [
        "POST /tea · body.a: may not be null any more",
        "POST /tea · 200.a: may be null now",
    ]


OPEN, MINE, ALL = [], [{"bearer": ["orders:own"]}], [{"bearer": ["orders:own"]}, {"bearer": ["orders:all"]}]
OPERATIONS = {
    "another name in the path": (
        operation(parameters=[{"in": "path", "name": "id", "required": True, "schema": TEXT}]),
        {
            "openapi": "3.1.0",
            "paths": {
                "/tea/{tea_id}": {
                    "get": {
                        "parameters": [{"in": "path", "name": "tea_id", "required": True, "schema": TEXT}],
                        "responses": {"200": {}},
                    }
                }
            },
        },
        [],
    ),
    "another type in the path": (
        operation(parameters=[{"in": "path", "name": "id", "required": True, "schema": TEXT}]),
        operation(parameters=[{"in": "path", "name": "id", "required": True, "schema": WHOLE}]),
        [" · path id: was string, is integer"],
    ),
    "a removed path": (operation(), {"openapi": "3.1.0", "paths": {}}, [": removed"]),
    "another method": (
        operation(),
        {"openapi": "3.1.0", "paths": {"/tea/{id}": {"post": {"responses": {}}}}},
        [": removed"],
    ),
    "a new optional parameter": (operation(), operation(parameters=[query("limit")]), []),
    "a new required parameter": (
        operation(),
        operation(parameters=[query("limit", required=True)]),
        [" · query limit: is required now"],
    ),
    "a removed parameter": (operation(parameters=[query("limit")]), operation(), [" · query limit: removed"]),
    "a header with other capitals": (
        operation(parameters=[{"in": "header", "name": "Idempotency-Key", "schema": TEXT}]),
        operation(parameters=[{"in": "header", "name": "idempotency-key", "schema": TEXT}]),
        [],
    ),
    "a body": (
        operation(),
        operation(requestBody={"required": True, "content": {}}),
        [" · body: is required now"],
    ),
    "another success": (
        operation(),
        operation(responses={"202": {}}),
        ["?  · 202: a new kind of success", " · 200: is not answered any more"],
    ),
    "a new error": (operation(), operation(responses={"200": {}, "429": {}}), []),
    "an error less": (operation(responses={"200": {}, "404": {}}), operation(), []),
    "another kind of content": (
        operation(responses={"200": {"content": {"application/json": {}}}}),
        operation(responses={"200": {"content": {"text/csv": {}}}}),
        [" · 200: does not come as application/json any more"],
    ),
    "a header less": (
        operation(responses={"200": {"headers": {"Location": {}}}}),
        operation(),
        [" · 200 · header location: removed"],
    ),
    "a token": (operation(security=OPEN), operation(security=MINE), [" · security: no token is not enough any more"]),
    "no token": (operation(security=MINE), operation(security=OPEN), []),
    "one permission more that is enough": (operation(security=MINE), operation(security=ALL), []),
    "one permission less": (
        operation(security=ALL),
        operation(security=MINE),
        [" · security: bearer with orders:all is not enough any more"],
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), OPERATIONS.values(), ids=OPERATIONS)
def test_for_callers_of_an_operation(old, new, expected):
    assert said(old, new) == at("GET /tea/{id}", expected)


def test_whoever_breaks_is_named():
    old, new = event(thing(a=TEXT)), event(thing(b=TEXT))
    listening = {"action": "receive", "messages": [{"$ref": "#/channels/queue/messages/tea_made"}]}
    asyncapi = {"asyncapi": "3.0.0", "operations": {"guest-service.drink": listening}}
    before, after = {"events/tea_made.json": old, "asyncapi.json": asyncapi}, {"events/tea_made.json": new}
    words = [str(each) for each in compare_all(before, after | {"asyncapi.json": asyncapi})]
    assert words == ["tea_made.data.a: removed; breaks consumers of tea_made (guest-service.drink)"]


def test_a_document_that_is_gone_breaks_and_a_new_one_does_not():
    assert [each.change for each in compare_all({"events/tea_made.json": event({})}, {})] == ["removed"]
    assert compare_all({}, {"events/tea_made.json": event({})}) == []


def test_a_queue_that_nobody_reads_any_more_fills():
    queue = {"bindings": {"amqp": {"is": "queue"}}}
    old, new = ({"asyncapi": "3.0.0", "channels": channels} for channels in ({"evt-tea--guest.drink": queue}, {}))
    (found,) = compare(old, new)
    assert found.warning
    assert "evt-tea--guest.drink" in str(found)


def test_a_reference_that_leads_nowhere_is_an_error():
    with pytest.raises(LookupError):
        compare(event({"$ref": "#/$defs/Nothing"}), event(TEXT))
    with pytest.raises(LookupError, match="inside a document"):
        compare(event({"$ref": "other.json#/a"}), event(TEXT))
