"""Durations as Go writes them, which Jaeger's API takes: 1.5s, 100ms, 250us, 1h30m."""

import re

_UNITS = {"ns": 0.001, "us": 1, "µs": 1, "μs": 1, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}
_PART = r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)"


def microseconds(text: str) -> int:
    """Raises ValueError for what is none."""
    if text == "0":
        return 0
    if not re.fullmatch(f"(?:{_PART})+", text, re.ASCII):
        raise ValueError(f"invalid duration {text!r}; write for example 100ms or 1.5s")
    return int(sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text, re.ASCII)))
