"""What a change of a JSON Schema breaks, for those who send its values or for those who read them.

The rule is one: what was accepted must stay accepted, and what comes must have been announced. Readers are asked for three
things in return: to ignore fields that they do not know, to survive a value in a list that they do not know, and not to rely on
how long or how large something can be. Where a change needs the last two of them it is a warning."""

from collections.abc import Iterator, Mapping
from typing import Any

from labs.infra.contracts.breaks import Break, Way, shown, text
from labs.infra.contracts.ranges import RANGES, fits, interval
from labs.infra.contracts.variants import CLASH, Schema, values, variants

EXACT = ("format", "pattern", "multipleOf")
"""Nobody here knows which pattern lets through more: any other one is a change."""
NOT_COMPARED = (
    *(
        CLASH,
        "not",
        "if",
        "then",
        "else",
        "contains",
        "minContains",
        "maxContains",
        "patternProperties",
        "propertyNames",
    ),
    *("dependentRequired", "dependentSchemas", "prefixItems", "unevaluatedItems", "unevaluatedProperties"),
)
"""Nobody here looks into these: any change of them counts as a break."""


class Comparison:
    """Of schemas in an old and a new document, whose values travel this `way` and matter to `who`.

    In what follows the values of `sub` meet somebody who expects those of `sup`: when callers send, `sub` is the old schema;
    when readers get, it is the new one."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any], way: Way, who: str) -> None:
        self._old, self._new, self._way, self._who = old, new, way, who
        self._open: set[tuple[str, str]] = set()

    def breaks(self, old: Any, new: Any, place: str) -> list[Break]:
        """What changed at `place` from `old` to `new`, and breaks somebody. A schema inside itself is looked at once."""
        key = (repr(old), repr(new))
        if key in self._open:
            return []
        self._open.add(key)
        before, after = variants(self._old, old), variants(self._new, new)
        sub, sup = (before, after) if self._way is Way.SENT else (after, before)
        found = [each for variant in sub for each in self._best(variant, sup, place, _retyped(before, after))]
        self._open.remove(key)
        return list(dict.fromkeys(found))

    def _best(self, sub: Schema, sups: list[Schema], place: str, otherwise: str) -> list[Break]:
        """One alternative against the one that fits it best of those that are possible."""
        possible = [sup for sup in sups if _includes(sup.get("type"), sub.get("type"))]
        if not possible:
            return [self._said(place, otherwise)]
        results = [list(self._plain(sub, sup, place)) for sup in possible]
        return min(results, key=lambda found: (sum(not each.warning for each in found), len(found)))

    def _plain(self, sub: Schema, sup: Schema, place: str) -> Iterator[Break]:
        yield from self._values(sub, sup, place)
        for name in RANGES:
            if values(sup) is None and not fits(sub, sup, name):
                old, new = self._in_time(sub, sup)
                change = f"{name} was {interval(old, name)}, is {interval(new, name)}"
                yield self._said(place, change, warning=self._way is Way.READ)
        for word in EXACT:
            if word in sup and sub.get(word) != sup[word]:
                yield self._changed(place, word, sub, sup)
        if sup.get("uniqueItems") and not sub.get("uniqueItems"):
            yield self._changed(place, "uniqueItems", sub, sup)
        for word in NOT_COMPARED:
            if sub.get(word) != sup.get(word):
                yield self._changed(place, word, sub, sup)
        if "items" in sup:
            yield from self.breaks(*self._in_time(sub.get("items", True), sup["items"]), f"{place}[]")
        yield from (self._sent if self._way is Way.SENT else self._read)(*self._in_time(sub, sup), place)

    def _values(self, sub: Schema, sup: Schema, place: str) -> Iterator[Break]:
        """The values of a list; one more is a surprise to readers, another one instead of one that they know is a break."""
        expected, listed = values(sup), values(sub)
        if expected is None:
            return
        if listed is None:
            yield self._said(
                place, "was one of a list of values, is any" if self._way is Way.READ else _now_only(expected)
            )
            return
        more = [each for each in listed if text(each) not in map(text, expected)]
        fewer = [each for each in expected if text(each) not in map(text, listed)]
        if more and self._way is Way.SENT:
            yield self._said(place, f"no longer accepted: {_all(more)}")
        elif more and fewer:
            yield self._said(place, f"was {_all(fewer)}, is {_all(more)}")
        elif more:
            yield self._said(place, f"new values: {_all(more)}", warning=True)

    def _sent(self, old: Schema, new: Schema, place: str) -> Iterator[Break]:
        """An object that callers send."""
        before, after = old.get("properties", {}), new.get("properties", {})
        others = new.get("additionalProperties", True)
        for name in sorted({*new.get("required", ())} - {*old.get("required", ())}):
            yield self._said(_in(place, name), "is required now")
        for name in sorted(before):
            if name in after or isinstance(others, dict):
                yield from self.breaks(before[name], after.get(name, others), _in(place, name))
            else:
                change = "removed, and refused now" if others is False else "removed, and ignored now"
                yield self._said(_in(place, name), change, warning=others is not False)
        earlier = old.get("additionalProperties", True)
        if isinstance(earlier, dict):
            for name in sorted(after.keys() - before.keys()):
                yield from self.breaks(earlier, after[name], _in(place, name))
        if others is False and earlier is not False:
            yield self._said(place, "fields without a name here are refused now")
        elif isinstance(others, dict) and earlier is not False:
            yield from self.breaks(earlier, others, _in(place, "*"))

    def _read(self, old: Schema, new: Schema, place: str) -> Iterator[Break]:
        """An object that readers get."""
        before, after = old.get("properties", {}), new.get("properties", {})
        gone = before.keys() - after.keys()
        for name in sorted(before):
            if name in gone:
                yield self._said(_in(place, name), "removed")
            else:
                yield from self.breaks(before[name], after[name], _in(place, name))
        for name in sorted({*old.get("required", ())} - {*new.get("required", ())} - gone):
            yield self._said(_in(place, name), "is not always there any more")
        if isinstance(others := old.get("additionalProperties"), dict):
            for name in sorted(after.keys() - before.keys()):
                yield from self.breaks(others, after[name], _in(place, name))
            if (now := new.get("additionalProperties", True)) is not False:
                yield from self.breaks(others, now, _in(place, "*"))

    def _in_time(self, sub: Any, sup: Any) -> tuple[Any, Any]:
        """The old one, the new one."""
        return (sub, sup) if self._way is Way.SENT else (sup, sub)

    def _changed(self, place: str, word: str, sub: Schema, sup: Schema) -> Break:
        old, new = self._in_time(sub, sup)
        return self._said(place, f"{word} was {_set(old, word)}, is {_set(new, word)}")

    def _said(self, place: str, change: str, warning: bool = False) -> Break:
        return Break(place, change, self._who, warning)


def _includes(type_: str | None, other: str | None) -> bool:
    return type_ in (None, other) or (type_, other) == ("number", "integer")


def _retyped(old: list[Schema], new: list[Schema]) -> str:
    """The sentence about two lists of types that differ."""
    before, after = ({str(each.get("type", "anything")) for each in some} for some in (old, new))
    if {"null"} in (before - after, after - before) and (before ^ after) == {"null"}:
        return "may be null now" if "null" in after else "may not be null any more"
    return f"was {' or '.join(sorted(before)) or 'nothing'}, is {' or '.join(sorted(after)) or 'nothing'}"


def _now_only(expected: list[Any]) -> str:
    return f"was any, is one of a list of values: {_all(expected)}"


def _set(schema: Schema, word: str) -> str:
    return shown(schema[word]) if word in schema else "not set"


def _all(some: list[Any]) -> str:
    return ", ".join(map(shown, some))


def _in(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
