"""Which libraries a program loads, and which of its parts stand on each. This file runs by itself, in a process in which
nothing else is loaded: `python -c "$(cat loaded.py)" labs.services.monolith.api user order` prints it as JSON."""

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions, version
from types import ModuleType
from typing import Any

OURS = "labs.services."
SHARED = f"{OURS}chassis"
"""What every part stands on: a library that only the chassis uses is used by each part that uses the chassis."""


def survey(entry: str, parts: list[str]) -> dict[str, Any]:
    """{library: {"version": …, "parts": […]}} of all that importing `entry` loads."""
    importlib.import_module(entry)
    modules = {name: module for name, module in sys.modules.items() if name.startswith(OURS)}
    bound = {name: set(_bound(module)) for name, module in modules.items()}
    reached = {part: _roots(_reach(bound, f"{OURS}{part}")) for part in parts}
    owners = packages_distributions()
    loaded = {root for root in (name.partition(".")[0] for name in sys.modules) if root in owners}
    return {
        owner: {"version": version(owner), "parts": [part for part in parts if _names(owners, owner) & reached[part]]}
        for owner in sorted({owners[root][0] for root in loaded})
        if owner != "microservices-lab"
    }


def _bound(module: ModuleType) -> Iterator[str]:
    """The modules from which a module has names."""
    for value in list(vars(module).values()):
        try:
            name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        except RuntimeError:  # one of Flask's proxies: there is no request now
            name = "flask"
        if isinstance(name, str):
            yield name


def _reach(bound: Mapping[str, set[str]], part: str) -> set[str]:
    """All modules that those of a part have names from, by way of the chassis too."""
    found: set[str] = set()
    ahead = [name for name in bound if name.startswith(f"{part}.")]
    seen = set(ahead)
    while ahead:
        names = bound[ahead.pop()]
        found |= names
        news = {name for name in names if name in bound and name.startswith((part, SHARED))} - seen
        seen |= news
        ahead += news
    return found


def _roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _names(owners: Mapping[str, list[str]], owner: str) -> set[str]:
    return {root for root, distributions in owners.items() if distributions[0] == owner}


if __name__ == "__main__":
    print(json.dumps(survey(sys.argv[1], sys.argv[2:])))  # noqa: T201  its only output
