"""Seconds by number of items: the slope is what one more item costs."""

from typing import TYPE_CHECKING

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from labs.classroom.figures import STYLE

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types

LOOKS = (("o", "-"), ("s", "--"), ("^", "-."), ("D", ":"), ("x", (0, (5, 1))), ("v", (0, (1, 1))))
"""Marker and line of each way, so that they can be told apart without colour."""


def of(table: "DataFrame") -> "DataFrame":
    """Milliseconds for one more item by least squares, a row for each way and a column for each delay. `table` has way, delay
    (milliseconds), items, seconds; of each way and delay at least two numbers of items."""
    from pandas import DataFrame

    steep: dict[float, dict[str, float]] = {}
    for (way, delay), points in table.groupby(["way", "delay"], sort=False):
        slope = np.polyfit(points["items"].to_numpy(float), points["seconds"].to_numpy(float), 1)[0]
        steep.setdefault(delay, {})[way] = float(slope) * 1000
    return DataFrame(steep)


def panels(table: "DataFrame") -> Figure:
    """A panel for each delay, all with the same seconds, a line for each way."""
    matplotlib.style.use(["petroff10", STYLE])
    ways, delays = list(dict.fromkeys(table["way"])), sorted(set(table["delay"]))
    figure = Figure(figsize=(10.0, 3.4))
    for axes, delay in zip(np.atleast_1d(figure.subplots(1, len(delays), sharey=True)), delays, strict=True):
        for way, (marker, line) in zip(ways, LOOKS, strict=False):
            points = table[(table["way"] == way) & (table["delay"] == delay)].sort_values("items")
            axes.plot(points["items"], points["seconds"], marker=marker, linestyle=line, label=way)
        axes.set_title(f"{delay:g} ms on the wire")
        axes.set(xlabel="items", xlim=(0, None))
    figure.axes[0].set(ylabel="seconds", ylim=(0, 1.05 * table["seconds"].max()))
    figure.axes[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
