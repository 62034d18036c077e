"""A picture of series over the last seconds: lines that can be told apart without colour."""

from itertools import cycle
from typing import TYPE_CHECKING

from matplotlib.ticker import AutoLocator

from labs.classroom import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame  # type: ignore[import-untyped]  # it ships no types

MOST_LINES = 8
"""More cannot be told apart: the last values decide which are drawn."""


def lines(frame: "DataFrame", what: str, seconds: float, limit: float | None = None) -> "Figure":
    """The columns of Monitor.series over the last `seconds` as lines; `what` is measured, `limit` is drawn across."""
    figure, axes = figures.plot()
    axes.yaxis.set_major_locator(AutoLocator())  # shares and seconds are no whole numbers
    drawn = frame if frame.shape[1] <= MOST_LINES else frame[frame.ffill().iloc[-1].nlargest(MOST_LINES).index]
    for (name, values), style in zip(drawn.items(), cycle(("-", "--", ":", "-."))):
        axes.plot(values.index, values, label=str(name), linewidth=2, linestyle=style)
    if limit is not None:
        axes.axhline(limit, color="0.35", linewidth=1, label="limit")
    axes.set(xlabel="seconds before now", ylabel=what, ylim=(0, None), xlim=(-seconds, 0))
    if drawn.shape[1] > 1 or limit is not None:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def described(frame: "DataFrame", promql: str, seconds: float) -> str:
    """The picture in words for whoever cannot see it: what is drawn, not its numbers, which differ from run to run."""
    count = frame.shape[1]
    names = ", ".join(map(str, frame.columns)) if count <= MOST_LINES else f"the largest {MOST_LINES} of {count}"
    many = f"{count} lines: {names}" if count > 1 else "one line" if count else "no line at all"
    return f"Line chart of {promql} over the last {seconds:g} seconds; {many}."
