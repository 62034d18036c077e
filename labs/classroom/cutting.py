"""A recording of the monolith replayed over a cut: what would be a call between services, and which transactions would have
more than one service in them. And which services a change of the code would touch."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from labs.services.monolith.borders import CUSTOMER, Borders

WRITES = ("INSERT", "UPDATE", "DELETE")
Owner = Callable[[str], str]
"""The service that owns a part or a table."""
Change = Mapping[str, Any]
"""`what` is wanted, and the `names` that the code has for it."""


@dataclass(frozen=True)
class Step:
    """One part called another, or a table: `what` is the function, or SELECT, INSERT, UPDATE, DELETE. `transaction` is 0
    outside of any, else its number within the request."""

    caller: str
    called: str
    what: str
    transaction: int


@dataclass(frozen=True)
class Request:
    """One request as it was served: `request` is its method and route."""

    request: str
    status: int
    steps: tuple[Step, ...]


def read(path: Path) -> list[Request]:
    """The requests of a recording, in the order in which they were answered."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return [Request(r["request"], r["status"], tuple(Step(*step) for step in r["steps"])) for r in found]


def calls(steps: Iterable[Step], owner: Owner) -> int:
    """Steps from one service to another; the customer's own call is none."""
    return sum(owner(s.caller) != owner(s.called) for s in steps if s.caller != CUSTOMER)


def crossings(steps: Iterable[Step], owner: Owner) -> int:
    """Transactions that change something and have more than one service in them."""
    return sum(len(services) > 1 for services in _changing(steps, owner).values())


def agreements(steps: Iterable[Step], owner: Owner) -> int:
    """In such transactions, the services that must agree with another one: two in one transaction are one agreement, five
    are four."""
    return sum(len(services) - 1 for services in _changing(steps, owner).values())


def _changing(steps: Iterable[Step], owner: Owner) -> dict[int, set[str]]:
    """The services in each transaction that changes something."""
    services, changing = defaultdict[int, set[str]](set), set[int]()
    for step in steps:
        if step.transaction:
            services[step.transaction] |= {owner(step.caller), owner(step.called)}
            if step.what in WRITES:
                changing.add(step.transaction)
    return {transaction: services[transaction] for transaction in changing}


def pairs(steps: Iterable[Step], owner: Owner) -> dict[tuple[str, str], int]:
    """How often each service would call each other one, the most frequent first."""
    found = defaultdict[tuple[str, str], int](int)
    for step in steps:
        between = owner(step.caller), owner(step.called)
        if len(set(between)) > 1 and CUSTOMER not in between:
            found[between] += 1
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


@lru_cache(1024)
def names(source: str) -> frozenset[str]:
    """The names that Python code uses, and the words in its texts; what only comments and docstrings say is not among them."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = set[str]()
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name"):
            if isinstance(value := getattr(node, field, None), str):
                found.add(value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            found.update(re.findall(r"\w+", node.value))
    return frozenset(found)


def touched(change: Change, sources: Mapping[str, str]) -> set[str]:
    """The parts of the code that use one of the change's names."""
    return {part for part, source in sources.items() if names(source) & set(change["names"])}


def redeployed(change: Change, sources: Mapping[str, str], owner: Owner) -> float:
    """The share of all parts that is deployed anew with a change: all of every service that it touches."""
    services = {owner(part) for part in touched(change, sources)}
    return sum(owner(part) in services for part in sources) / len(sources)


def unowned(borders: Borders, parts: Iterable[str]) -> list[str]:
    """Those that the cut gives to nobody."""
    found = []
    for part in parts:
        try:
            borders.owner(part)
        except LookupError:
            found.append(part)
    return found
