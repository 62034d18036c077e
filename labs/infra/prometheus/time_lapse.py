"""An hour in a minute: the same scrape intervals, windows and patience as in production, divided, so that a lab sees an alert
come and go in seconds. Only time is divided: what a rule counts, sums and compares stays as it is."""

import re

SHORTEST = 1000
"""Milliseconds: Prometheus scrapes and evaluates no more often, or it would have no time left for anything else."""
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = r"(?:\d+(?:ms|[smhdw]))+"
_SETTINGS = (
    "scrape_interval",
    "scrape_timeout",
    "evaluation_interval",
    "refresh_interval",
    "interval",
    "for",
    "keep_firing_for",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "resolve_timeout",
)
_SET = re.compile(rf"(?<![\w-])((?:{'|'.join(_SETTINGS)}):[ ]+)({_DURATION})(?!\w)")
_WINDOW = re.compile(
    rf"(\[)({_DURATION})(?=[\]:])|((?<=[\]\w]):)({_DURATION})(?=\])|(\boffset\s+-?)({_DURATION})(?!\w)"
)


def lapsed(text: str, times: float) -> str:
    """A configuration of Prometheus or Alertmanager, its rules included, in which time passes so many times as fast."""
    if times == 1:
        return text
    return lapsed_query(_SET.sub(lambda found: found[1] + _shortened(found[2], times), text), times)


def lapsed_query(promql: str, times: float) -> str:
    """An expression whose windows and offsets mean so many times as much time."""

    def shorter(found: re.Match[str]) -> str:
        before, duration = next((found[n], found[n + 1]) for n in (1, 3, 5) if found[n + 1])
        return before + _shortened(duration, times)

    return _WINDOW.sub(shorter, promql)


def _shortened(duration: str, times: float) -> str:
    whole = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", duration))
    short = max(min(whole, SHORTEST), round(whole / times))
    return f"{short // 1000}s" if short % 1000 == 0 else f"{short}ms"
