"""What was so, and when: a lane for each thing that was watched, a mark for each look at it."""

from collections.abc import Iterable, Mapping

from matplotlib.figure import Figure

from labs.classroom.figures import plot

MARKS = ("o", "x", "^", "s", "D", "+")
"""One for each thing that was seen, so that it can be read without colour."""


def lanes(watched: Mapping[str, Iterable[tuple[float, str]]]) -> Figure:
    """`watched` has the looks at each thing: at how many seconds, and what was seen."""
    seen: dict[str, tuple[list[float], list[int]]] = {}
    for lane, looks in enumerate(watched.values()):
        for moment, what in looks:
            moments, places = seen.setdefault(what, ([], []))
            moments.append(moment)
            places.append(lane)
    figure, axes = plot(figsize=(9.0, 1.2 + 0.55 * len(watched)))
    for number, (what, (moments, places)) in enumerate(seen.items()):
        axes.plot(moments, places, linestyle="none", marker=MARKS[number % len(MARKS)], markersize=7, label=what)
    axes.set_yticks(range(len(watched)), list(watched))
    axes.set(xlabel="seconds", ylim=(len(watched) - 0.5, -0.5))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
