"""Were the events that passed those that are promised? `assert not wrong(tap.events)`, over whatever a test has heard.

Stricter than a consumer may be: what is told and not described is wrong too, or the contracts would not say it all."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from labs.infra.contracts.keeping import kept
from labs.services.chassis.events import PREFIX, Event

FORMATS = FormatChecker(formats=("uuid", "date"))


@FORMATS.checks("date-time", raises=ValueError)
def has_a_time_zone(value: Any) -> bool:
    """RFC 3339; jsonschema's own check is an optional package."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def wrong(events: Iterable[Event]) -> list[str]:
    """One sentence for each thing that is wrong, in the order in which the events passed; none twice."""
    return list(dict.fromkeys(sentence for event in events for sentence in _wrong(event)))


def never(events: Iterable[Event]) -> set[str]:
    """The types of events that are promised and were not among these."""
    return set(_validators()) - {event.type for event in events}


def closed(schema: Any) -> Any:
    """The same schema, with no fields but those that it names."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {word: closed(said) for word, said in schema.items()}
    return {"additionalProperties": False, **inside} if isinstance(schema.get("properties"), dict) else inside


def _wrong(event: Event) -> list[str]:
    validator = _validators().get(event.type)
    if validator is None:
        return [f"{event.source} told {event.type}, and no contract knows it"]
    attributes = {name.removeprefix(PREFIX): value for name, value in event.headers().items()}
    errors = sorted(validator.iter_errors(attributes | {"data": event.data}), key=lambda error: error.json_path)
    return [f"{event.source} told {event.type}: {error.json_path}: {error.message}" for error in errors]


@cache
def _validators() -> dict[str, Draft202012Validator]:
    schemas = {name: schema for name, schema in kept().items() if name.startswith("events/")}
    return {s["title"]: Draft202012Validator(closed(s), format_checker=FORMATS) for s in schemas.values()}
