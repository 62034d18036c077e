"""Plots as a notebook should show them: one style, readable without colour, with words for whoever cannot see them."""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.style
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

STYLE: dict[str, Any] = {
    "figure.figsize": (8.0, 3.6),
    "figure.dpi": 110,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.grid": True,
    "grid.alpha": 0.25,
    "font.size": 10,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Field:
    """One of a table that is drawn, in column `x` and row `y` from 0; `size` of its words and `pad` around them in points."""

    x: int
    y: int
    words: str
    colour: str
    hatch: str
    size: float
    pad: float


def plot(**size: Any) -> tuple[Figure, Any]:
    """A figure and its axes in the style of the labs; `size` goes to matplotlib's Figure. Nothing shows it but `show`."""
    matplotlib.style.use(["petroff10", STYLE])
    figure = Figure(**size)
    axes = figure.subplots()
    axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    return figure, axes


def counts(series: dict[str, Iterable[float]], away: dict[str, tuple[float, float]], what: str) -> Figure:
    """How many `what` there were by when: steps for each name of `series`, from the seconds at which one came; `away` shades
    spans of time."""
    figure, axes = plot()
    for name, (start, end) in away.items():
        axes.axvspan(start, end, color="0.88", label=name)
    for (name, moments), line in zip(series.items(), ("-", "--", ":", "-."), strict=False):
        at = sorted(moments)
        axes.step([0, *at], range(len(at) + 1), where="post", label=name, linewidth=2, linestyle=line)
    axes.set(xlabel="seconds", ylabel=what, ylim=(0, None), xlim=(0, None))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def fields(down: Sequence[str], across: Sequence[str], said: Iterable[Field], **size: Any) -> Figure:
    """A table as a figure: `down` and `across` name its rows and columns; `size` goes to matplotlib's Figure."""
    figure, axes = plot(**size)
    for field in said:
        axes.barh(
            field.y, 0.94, left=field.x - 0.47, height=0.88, color=field.colour, hatch=field.hatch, edgecolor="white"
        )
        box = {"facecolor": field.colour, "edgecolor": "none", "pad": field.pad}
        axes.text(field.x, field.y, field.words, ha="center", va="center", fontsize=field.size, bbox=box)
    axes.set(xlim=(-0.5, len(across) - 0.5), ylim=(len(down) - 0.5, -0.5))
    axes.set_xticks(range(len(across)), across)
    axes.set_yticks(range(len(down)), down)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    return figure


def show(figure: Figure, alt: str, finding: str, text: str = "") -> None:
    """Show a figure with its alternative text and one sentence that says what it shows. `text` is the same in words, folded
    away; it may differ from run to run, and comparing two runs leaves it out."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    data = base64.b64encode(buffer.getvalue()).decode()
    image = f'<img alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{data}" style="max-width:100%">'
    caption = f"<figcaption style='margin:.3em 0'><em>{html.escape(finding)}</em></figcaption>"
    words = f"<details><summary>The same as text</summary><pre>{_measured(text)}</pre></details>" if text else ""
    display(
        {
            "text/html": f"<figure style='margin:0'>{image}{caption}{words}</figure>",
            "text/plain": f"[{alt}]\n{finding}",
        },
        raw=True,
    )


def _measured(text: str) -> str:
    return f"<data class='measured'>{html.escape(text)}</data>"
