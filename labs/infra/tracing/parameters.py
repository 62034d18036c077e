"""What a query asks for, from the parameters of its URL; they are those of Jaeger's query API."""

import json
import time
from collections.abc import Mapping

from werkzeug.datastructures import MultiDict

from labs.infra.tracing.durations import microseconds
from labs.infra.tracing.store import Wanted

Parameters = MultiDict[str, str]
LOOKBACK = 2 * 86400 * 1_000_000
"""Microseconds that a search goes back that does not say from when, as Jaeger's."""
DAY = 86_400_000
"""Milliseconds, the same for dependencies."""
MOST = 1500
"""Traces of one answer."""


class Wrong(ValueError):
    """A parameter that cannot be; the message names it."""


def wanted(parameters: Parameters) -> Wanted:
    """A search for traces. Raises Wrong."""
    now = time.time_ns() // 1000
    end = number(parameters, "end", now)
    back = _duration(parameters, "lookback", LOOKBACK)
    shortest, longest = _duration(parameters, "minDuration", 0), _duration(parameters, "maxDuration", 2**63)
    if longest < shortest:
        raise Wrong("'maxDuration' should be greater than 'minDuration'")
    if not (service := parameters.get("service", "")):
        raise Wrong("parameter 'service' is required")
    limit = number(parameters, "limit", 100)
    if not 0 < limit <= MOST:
        raise Wrong(f"unable to parse param 'limit': it must be from 1 to {MOST}")
    start = number(parameters, "start", end - back)
    operation = parameters.get("operation", "")
    return Wanted(service, operation, _tags(parameters), start, end, shortest, longest, limit)


def number(parameters: Parameters, name: str, default: int) -> int:
    """A whole number. Raises Wrong."""
    text = parameters.get(name, "")
    try:
        return int(text) if text else default
    except ValueError:
        raise Wrong(f"unable to parse param '{name}': {text[:50]!r} is no whole number") from None


def _duration(parameters: Parameters, name: str, default: int) -> int:
    text = parameters.get(name, "")
    try:
        return microseconds(text) if text else default
    except ValueError as error:
        raise Wrong(f"unable to parse param '{name}': {str(error)[:100]}") from None


def _tags(parameters: Parameters) -> Mapping[str, str]:
    """`tag=key:value`, several times, and `tags={"key": "value"}`."""
    tags: dict[str, str] = {}
    for text in parameters.getlist("tag"):
        key, colon, value = text.partition(":")
        if not colon:
            raise Wrong(f"malformed 'tag' parameter, expecting key:value, received: {text[:50]}")
        tags[key] = value
    for text in parameters.getlist("tags"):
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            raise Wrong('malformed \'tags\' parameter, expecting JSON such as {"error": "true"}, values as text')
        tags |= given
    return tags
