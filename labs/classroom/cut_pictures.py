"""Pictures of cuts: a request's way through the services, and the scores of several cuts beside each other."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from labs.classroom.cutting import Step
from labs.classroom.figures import STYLE
from labs.services.monolith.borders import Borders


def lanes(steps: Sequence[Step], cuts: Mapping[str, Borders]) -> Figure:
    """For each cut a panel with a lane for each service: the line changes lanes wherever one would call another."""
    matplotlib.style.use(["petroff10", STYLE])
    ways = {name: [cut.owner(step.called) for step in steps] for name, cut in cuts.items()}
    numbers = [len(set(way)) for way in ways.values()]
    figure = Figure(figsize=(9.0, 1.0 + 0.36 * sum(numbers)), layout="constrained")
    panels = figure.subplots(len(ways), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": numbers})
    for (name, way), axes in zip(ways.items(), panels[:, 0], strict=True):
        services = list(dict.fromkeys(way))
        hops = sum(before != after for before, after in pairwise(way))
        axes.step(range(len(way)), [services.index(service) for service in way], where="post", linewidth=1.2)
        axes.set_yticks(range(len(services)), services, fontsize=8)
        axes.set_ylim(len(services) - 0.5, -0.5)
        axes.set_title(f"{name}: changes lanes {hops} times", fontsize=10)
    panels[-1, 0].set_xlabel("steps of one order, in their order")
    return figure


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
    return figure
