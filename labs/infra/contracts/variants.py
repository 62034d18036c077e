"""A JSON Schema (2020-12) as plain alternatives: references followed, `allOf`, `anyOf`, `oneOf` and lists of types taken apart,
so that each alternative says at most one type."""

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

Schema = dict[str, Any]
APART = ("$ref", "allOf", "anyOf", "oneOf")
CLASH = "allOf"
"""An alternative has this word only where two parts say different things that nobody here can put together."""


def variants(document: Mapping[str, Any], schema: Any, followed: frozenset[str] = frozenset()) -> list[Schema]:
    """The alternatives of a schema in the document that its references point into; none if it lets nothing through. A
    reference that leads back to itself, with nothing in between, adds none. Raises LookupError for one that leads nowhere."""
    if isinstance(schema, bool):
        return [{}] if schema else []
    parts = [list(_by_type({word: said for word, said in schema.items() if word not in APART}))]
    if pointer := schema.get("$ref"):
        found = [] if pointer in followed else variants(document, at(document, pointer), followed | {pointer})
        parts.append(found)
    parts += [variants(document, part, followed) for part in schema.get("allOf", ())]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            parts.append([found for part in schema[word] for found in variants(document, part, followed)])
    return reduce(_crossed, parts)


def values(variant: Schema) -> list[Any] | None:
    """The only values that it lets through, None if it does not list them."""
    return [variant["const"]] if "const" in variant else variant.get("enum")


def type_of(value: Any) -> str:
    """The JSON type of a value."""
    names = {bool: "boolean", str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return "null" if value is None else names[type(value)]


def _by_type(schema: Schema) -> Iterator[Schema]:
    """One alternative for each type that it names, or that the values have which it lists."""
    named, listed = schema.get("type"), values(schema)
    types = named if isinstance(named, list) else [named]
    if listed is None:
        yield from ({**schema, "type": each} if each else schema for each in types)
        return
    rest = {word: said for word, said in schema.items() if word not in ("enum", "const")}
    by_type: dict[str, list[Any]] = {}
    for value in listed:
        if None in types or type_of(value) in types or (type_of(value) == "integer" and "number" in types):
            by_type.setdefault(type_of(value), []).append(value)
    for each, some in by_type.items():
        yield {**rest, "type": each} | ({} if each == "null" else {"enum": some})


def _crossed(some: list[Schema], others: list[Schema]) -> list[Schema]:
    """What both let through."""
    return [both for one in some for other in others if (both := _both(one, other)) is not None]


def _both(one: Schema, other: Schema) -> Schema | None:
    """What lets through only what both do; None if their types exclude each other."""
    both = {**one, **other}
    types = {each["type"] for each in (one, other) if "type" in each}
    if len(types) == 2:
        if types != {"integer", "number"}:
            return None
        both["type"] = "integer"
    both["required"] = sorted({*one.get("required", ()), *other.get("required", ())})
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    both["properties"] = {**mine, **theirs} | {
        name: {"allOf": [mine[name], theirs[name]]} for name in mine.keys() & theirs.keys()
    }
    merged = {"type", "required", "properties", "title", "description", "default", "examples"}
    if clash := {
        word: [one[word], other[word]] for word in one.keys() & other.keys() - merged if one[word] != other[word]
    }:
        both[CLASH] = clash
    return {word: said for word, said in both.items() if word not in ("required", "properties") or said}


def at(document: Mapping[str, Any], pointer: str) -> Any:
    """What a JSON Pointer inside the document leads to (RFC 6901)."""
    root, *names = pointer.split("/")
    if root != "#":
        raise LookupError(f"{pointer}: only references inside a document are followed")
    part: Any = document
    for name in names:
        part = part[name.replace("~1", "/").replace("~0", "~")]
    return part
