"""Takes out of texts and bodies what must not stand in a log: passwords, tokens, card numbers."""

import json
import re
from functools import lru_cache
from typing import Any

SECRET = re.compile(
    r"passw|passphrase|token|secret|authorization|cookie|card|cvc|cvv|iban|credential|private|api.?key", re.I
)
"""A field whose name says so is hidden whatever it holds."""
JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
CARD = re.compile(r"(?<![\w+-])[2-6](?:[ -]?\d){12,18}(?![\w-])")
SHORTEST_CARD = 13
HIDDEN = "***"
LONGEST = 2000
"""Characters of a body that are logged."""
MOST_VALUES = 200
"""Values of a body that are looked at; the rest would be cut off anyway."""


def text(words: str) -> str:
    """Without the tokens and the card numbers in it."""
    if "eyJ" in words:
        words = JWT.sub(HIDDEN, words)
    if len(words) < SHORTEST_CARD:  # most values are, and a line has twenty of them
        return words
    return CARD.sub(lambda found: HIDDEN if _luhn(found[0]) else found[0], words)


def texts(fields: dict[str, Any]) -> dict[str, Any]:
    """The same for every text in a line of a log."""
    return {k: texts(v) if isinstance(v, dict) else text(v) if isinstance(v, str) else v for k, v in fields.items()}


def field(name: str, value: Any) -> Any:
    """`value`, or stars if the name of the field says that it is a secret."""
    if _secret(name) or ("mail" in name.lower() and isinstance(value, str) and "@" not in value):
        return HIDDEN  # what stands in place of an address may be a password, typed into the wrong field
    if isinstance(value, int):
        return HIDDEN if text(str(value)) == HIDDEN else value
    return text(value) if isinstance(value, str) else value


def body(raw: bytes, is_json: bool) -> str:
    """A body as it may stand in a log. What is no JSON cannot be searched for fields, so only its size is said."""
    try:
        shown = data(json.loads(raw)) if is_json else ""
    except (ValueError, RecursionError):
        shown = ""
    if not shown:
        return f"{len(raw)} bytes that are not JSON" if raw else ""
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}… ({len(raw)} bytes)"


def data(value: Any) -> str:
    """What JSON holds, without secrets, as JSON again; of much the first LONGEST characters and one."""
    return json.dumps(_Copy().of("", value), ensure_ascii=False)[: LONGEST + 1]


class _Copy:
    """Of at most MOST_VALUES values, without secrets."""

    def __init__(self) -> None:
        self._left = MOST_VALUES

    def of(self, name: str, value: Any) -> Any:
        self._left -= 1
        if isinstance(value, dict) and not _secret(name):
            return {text(k): self.of(k, v) for k, v in value.items() if self._left > 0}
        if isinstance(value, list) and not _secret(name):
            return [self.of("", v) for v in value if self._left > 0]
        return field(name, value)


@lru_cache(1024)
def _secret(name: str) -> bool:
    return bool(SECRET.search(name))


def _luhn(digits: str) -> bool:
    """The check digit that every card number has (ISO/IEC 7812-1)."""
    numbers = [int(digit) for digit in reversed(digits) if digit.isdigit()]
    doubled = [sum(divmod(2 * number, 10)) for number in numbers[1::2]]
    return (sum(numbers[::2]) + sum(doubled)) % 10 == 0
