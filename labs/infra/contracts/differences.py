"""Every difference of two documents in words, whether it breaks somebody or not."""

from collections.abc import Iterator, Mapping
from typing import Any

from labs.infra.contracts.breaks import shown, text


def differences(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """One line for each, in the order of the places, which are JSON Pointers (RFC 6901); none exactly if they are equal."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(old.keys() | new.keys()):
            there = f"{place}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in new:
                yield f"{there}: removed; it was {shown(old[name])}"
            elif name not in old:
                yield f"{there}: added: {shown(new[name])}"
            else:
                yield from differences(old[name], new[name], there)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _items(old, new, place)
    elif old != new or type(old) is not type(new):
        yield f"{place}: was {shown(old)}, is {shown(new)}"


def _items(old: list[Any], new: list[Any], place: str) -> Iterator[str]:
    """Of lists without objects, such as `required` and `enum`, what came and went; else item by item."""
    if any(isinstance(each, dict | list) for each in old + new):
        for number in range(max(len(old), len(new))):
            there = f"{place}/{number}"
            if number >= len(new):
                yield f"{there}: removed; it was {shown(old[number])}"
            elif number >= len(old):
                yield f"{there}: added: {shown(new[number])}"
            else:
                yield from differences(old[number], new[number], there)
        return
    before, after = list(map(text, old)), list(map(text, new))
    said = [f"{place}: {each} removed" for each in before if each not in after]
    said += [f"{place}: {each} added" for each in after if each not in before]
    if before != after:
        yield from said or [f"{place}: was {shown(old)}, is {shown(new)}"]
