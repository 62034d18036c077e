"""Which neighbours on a path should be one service, and what a cut costs whoever changes it: only the history of changes is
looked at here, and nothing is run."""

from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

Cut = Sequence[Sequence[str]]
"""The steps of each service, in the order of the path."""
Changes = Collection[AbstractSet[str]]
"""For each change the steps that were edited for it."""
Score = Callable[[AbstractSet[str], AbstractSet[str], Changes], float]
"""How much two neighbours belong together, by their steps: from 0, not at all, to 1, entirely."""
ENOUGH = 0.5
"""Two neighbours become one above this score."""


def scores(cut: Cut, score: Score, changes: Changes) -> list[float]:
    """The score at each border of a cut, one less than it has services. Raises what `score` raises."""
    return [float(score(set(left), set(right), changes)) for left, right in pairwise(cut)]


def merged(cut: Cut, score: Score, changes: Changes) -> list[list[str]]:
    """The cut after its neighbours were merged, those with the highest score first, the earlier of two equals, until none is
    above ENOUGH. Raises what `score` raises."""
    services = [list(steps) for steps in cut]
    while len(services) > 1:
        at_border = scores(services, score, changes)
        best = at_border.index(max(at_border))
        if not at_border[best] > ENOUGH:
            break
        services[best : best + 2] = [services[best] + services[best + 1]]
    return services


def deployments(cut: Cut, changes: Changes) -> float:
    """How many services a change touches, on average. Raises ZeroDivisionError where there are no changes."""
    return sum(len(_touched(cut, steps)) for steps in changes) / len(changes)


def redeployed(cut: Cut, changes: Changes) -> float:
    """The share of all steps that is deployed anew with a change, on average: all of each service that it touches."""
    whole = sum(map(len, cut))
    return sum(sum(map(len, _touched(cut, steps))) for steps in changes) / len(changes) / whole


def alone(cut: Cut, changes: Changes) -> int:
    """How many changes touch one service and no other."""
    return sum(len(_touched(cut, steps)) == 1 for steps in changes)


def _touched(cut: Cut, steps: Iterable[str]) -> list[Sequence[str]]:
    edited = set(steps)
    return [service for service in cut if edited & set(service)]
