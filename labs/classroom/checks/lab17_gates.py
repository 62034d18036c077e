"""Lab 17: worlds in which a gate is asked, and what else one may write where it is meant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FILES = ("test_notification_parcel.py", "test_order_parcel_pact.py")
"""The tests of the lab by which versions are verified; the ids of the second end with [provider-consumer]."""
NOTIFICATION, ORDER, INVENTORY, USER = "notification-service", "order-service", "inventory-service", "user-service"
CONTRACTS = ((NOTIFICATION, ORDER), (ORDER, INVENTORY))
Contracts = Sequence[tuple[str, str]]
Results = Mapping[tuple[str, int, str, int], bool]
Production = Mapping[str, int]
Gate = Callable[[str, int, Production, Contracts, Results], bool]
MADE_UP: dict[tuple[str, int, str, int], bool] = {
    **{(ORDER, version, INVENTORY, 1): True for version in (1, 2, 3, 4)},
    (ORDER, 1, INVENTORY, 2): False,
    (ORDER, 3, INVENTORY, 3): False,
}
"""What is not verified in this lab; the rest is."""


@dataclass(frozen=True)
class World:
    """What runs, and who asks to be deployed; the same in words."""

    service: str
    version: int
    production: Production
    words: str


WORLDS = (
    World(ORDER, 3, {ORDER: 1, NOTIFICATION: 1, INVENTORY: 1}, "order 3 was verified with all that runs, and fits."),
    World(
        ORDER,
        2,
        {ORDER: 1, NOTIFICATION: 1, INVENTORY: 1},
        "order 2 breaks notification 1, which runs and hears its events.",
    ),
    World(
        ORDER,
        4,
        {ORDER: 1, NOTIFICATION: 1, INVENTORY: 1},
        "order 4 was never verified with notification 1, which runs.",
    ),
    World(
        NOTIFICATION,
        2,
        {ORDER: 1, NOTIFICATION: 1},
        "notification 2 needs an address, and order 1, which runs, tells none.",
    ),
    World(NOTIFICATION, 2, {ORDER: 3, NOTIFICATION: 1}, "notification 2 gets all it needs from order 3, which runs."),
    World(
        ORDER, 3, {ORDER: 1, NOTIFICATION: 1}, "order 3 fits notification 1, and inventory-service does not run at all."
    ),
    World(
        ORDER,
        2,
        {ORDER: 3, NOTIFICATION: 2, INVENTORY: 1},
        "order 2 fits notification 2, which runs; with notification 1, which does not run any more, it did not.",
    ),
    World(USER, 7, {ORDER: 1, NOTIFICATION: 1, USER: 6}, "user-service has no contract with anybody here."),
    World(INVENTORY, 2, {ORDER: 1, INVENTORY: 1}, "inventory 2 breaks order 1, which runs and asks it for prices."),
    World(
        NOTIFICATION,
        2,
        {ORDER: 3, NOTIFICATION: 1, INVENTORY: 3},
        "notification 2 fits order 3. (Between order and inventory something is broken already; this changes nothing of it.)",
    ),
)


def verified(found: Mapping[str, str]) -> dict[tuple[str, int, str, int], bool]:
    """Of the tests in FILES: which versions of notification-service and order-service fit."""
    results = {}
    for test, why in found.items():
        if test.startswith(f"{FILES[1]}::") and test.endswith("]"):
            ours, _, theirs = test.rpartition("[")[2].rstrip("]").partition("-")
            results[NOTIFICATION, int(theirs), ORDER, int(ours)] = not why
    return results


def right(service: str, version: int, production: Production, contracts: Contracts, results: Results) -> bool:
    """All that would run beside it, and has a contract with it, was verified with it, and fits."""
    return _all(service, version, production, contracts, results)


def _all(
    service: str,
    version: int,
    production: Production,
    contracts: Contracts,
    results: Results,
    *,
    unknown: bool = False,
    roles: Sequence[int] = (0, 1),
    others: bool = False,
    absent: bool = True,
) -> bool:
    would = {**production, service: version}
    for pair in contracts:
        if not others and service not in [pair[role] for role in roles]:
            continue
        if not {*pair} <= would.keys():
            if others or absent:
                continue
            return False
        consumer, provider = pair
        if not results.get((consumer, would[consumer], provider, would[provider]), unknown):
            return False
    return True


def _today(service: str, _version: int, production: Production, contracts: Contracts, results: Results) -> bool:
    return _all(service, production[service], production, contracts, results)


def _any_version(service: str, version: int, _production: Production, contracts: Contracts, results: Results) -> bool:
    ours = [good for (c, cv, p, pv), good in results.items() if (service, version) in ((c, cv), (p, pv))]
    return any(ours) or not any(service in pair for pair in contracts)


def _everything(service: str, version: int, _production: Production, contracts: Contracts, results: Results) -> bool:
    ours = [good for (c, cv, p, pv), good in results.items() if (service, version) in ((c, cv), (p, pv))]
    return all(ours) and (bool(ours) or not any(service in pair for pair in contracts))


def _with(**changes: Any) -> Gate:
    def mistaken(service: str, version: int, production: Production, contracts: Contracts, results: Results) -> bool:
        return _all(service, version, production, contracts, results, **changes)

    return mistaken


MISTAKES: Mapping[str, tuple[Gate, str]] = {
    "unknown_is_yes": (
        _with(unknown=True),
        "Nobody has ever tried that pair. What was not verified is not fine; it is unknown, and a gate that lets the unknown "
        "through is open on the day on which it is needed.",
    ),
    "consumer_only": (
        _with(roles=(0,)),
        "You look at those whom the service asks or hears, and not at those who ask or hear it. They break just the same.",
    ),
    "provider_only": (
        _with(roles=(1,)),
        "You look at those who ask or hear the service, and not at those whom it needs itself.",
    ),
    "looks_at_today": (_today, "You have looked up the version that runs already, not the one that wants to come."),
    "any_version": (
        _any_version,
        "It was verified with some version, and not with the one that runs. What counts is who is there when it arrives.",
    ),
    "everything": (
        _everything,
        "You count versions that do not run. A pair that broke once, and is not in production, harms nobody.",
    ),
    "absent": (
        _with(absent=False),
        "Who does not run cannot be broken. Later, when it comes, the gate is asked about it.",
    ),
    "others_too": (
        _with(others=True),
        "That is between two others. Whoever stops everybody's deployments because of it stops the repair too.",
    ),
}
"""What they would let through, and what is wrong with it."""
