"""What was so, and when: a lane for each thing that was watched, a mark for each look at it."""

from collections.abc import Iterable, Mapping

from matplotlib.figure import Figure

from labs.classroom.figures import plot

MARKS = ("o", "x", "^", "s", "D", "+")
"""One for each thing that was seen, so that it can be read without colour."""


<<<<<<< .merge_file_IC8HNY
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
=======
def scores(table: Mapping[str, Mapping[str, float]]) -> Figure:
    """`table` has the cuts' scores by measure. Less is better in each."""
    matplotlib.style.use(["petroff10", STYLE])
    figure = Figure(figsize=(11.0, 2.6), layout="constrained")
    panels = figure.subplots(1, len(table), squeeze=False)[0]
    for (measure, values), axes in zip(table.items(), panels, strict=True):
        cuts = list(values)
        bars = axes.barh(cuts, list(values.values()), color=[f"C{n}" for n in range(len(cuts))], edgecolor="black")
        axes.bar_label(bars, fmt="%.3g", padding=3, fontsize=8)
        axes.invert_yaxis()
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.margins(x=0.2)
        axes.set_title(measure, fontsize=8)
        if axes is not panels[0]:
            axes.set_yticklabels([])
>>>>>>> .merge_file_eZMQ3s
    return figure
