"""Pictures of traces: a waterfall and a map, readable without colour, each with the same in words for whoever cannot see it."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from labs.classroom.figures import plot

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types

HATCHES = ("", "//", "..", "xx", "\\\\", "--", "++", "oo")
MOST_ROWS = 60
"""Spans of one picture; the table has all of them."""
LABEL, INDENT, STEP = 52, 20, 3
"""Characters of a label at most; of them before the deepest span, and for each level where there are few."""


def waterfall(table: "DataFrame") -> Figure:
    """A bar for each span, below the one because of which it is."""
    shown = table.head(MOST_ROWS)
    services = sorted(set(table["service"]))
    figure, axes = plot(figsize=(10.0, 1.0 + 0.24 * len(shown)))
    width = max(0.001, float((table["begins"] + table["lasts"]).max()))
    for place, row in enumerate(shown.to_dict("records")):
        look = services.index(row["service"])
        edge = "#b00020" if row["failed"] else "black"
        length = max(row["lasts"], width / 400)
        style = {"color": f"C{look % 10}", "hatch": HATCHES[look % len(HATCHES)], "edgecolor": edge}
        axes.barh(place, length, left=row["begins"], height=0.7, linewidth=1.6 if row["failed"] else 0.4, **style)
    step = min(STEP, INDENT / max(1, shown["depth"].max()))
    axes.set_yticks(range(len(shown)), [_label(row, step) for row in shown.to_dict("records")], fontsize=8)
    for tick, failed in zip(axes.get_yticklabels(), shown["failed"], strict=True):
        tick.set_horizontalalignment("left")
        tick.set_color("#b00020" if failed else "black")
    axes.tick_params(axis="y", pad=300, length=0)
    axes.set(xlabel="milliseconds since the first span began", xlim=(0, width * 1.02), ylim=(len(shown) - 0.4, -0.6))
    axes.legend(handles=_legend(services), loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    return figure


def in_words(table: "DataFrame") -> str:
    """The waterfall as lines of text."""
    lines = []
    for row in table.to_dict("records"):
        times = f"{row['begins']:9.1f} ms {row['lasts']:9.1f} ms"
        lines.append(
            f"{times}  {'  ' * row['depth']}{row['service']}: {row['operation']}{' FAILED' if row['failed'] else ''}"
        )
    return "\n".join(["   begins       lasts", *lines])


def dependencies(edges: "DataFrame") -> Figure:
    """A box for each service, an arrow for each caller, with how often; dashed for events, red where something failed."""
    from matplotlib.patches import FancyArrowPatch

    places = _places(edges)
    figure, axes = plot(figsize=(10.0, 6.0))
    for row in edges.to_dict("records"):
        start, end = places[row["caller"]], places[row["called"]]
        bend = 0.26 if row["by"] == "event" else 0.04  # so that two ways between the same two services lie apart
        style: dict[str, Any] = {
            "linestyle": "--" if row["by"] == "event" else "-",
            "color": "#b00020" if row["errors"] else "0.4",
        }
        curve: dict[str, Any] = {"connectionstyle": f"arc3,rad={bend}", "arrowstyle": "-|>", "mutation_scale": 16}
        axes.add_patch(FancyArrowPatch(start, end, shrinkA=26, shrinkB=38, **curve, **style))
        said = f"{row['calls']} {row['by']}{'s' * (row['calls'] > 1)}" + (
            f"\n{row['errors']} failed" if row["errors"] else ""
        )
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        at = _on_curve(start, end, bend, 0.42)
        axes.text(*at, said, ha="center", va="center", fontsize=8, color=style["color"], bbox=box, zorder=3)
    for service, (x, y) in places.items():
        box = {"boxstyle": "round,pad=0.6", "facecolor": "#eef3fb", "edgecolor": "black"}
        axes.text(x, y, service.removesuffix("-service"), ha="center", va="center", fontsize=11, bbox=box, zorder=5)
    axes.set(xlim=(-1.25, 1.25), ylim=(-1.2, 1.2))
    axes.axis("off")
    return figure


def _label(row: dict[str, Any], step: float) -> str:
    indent = " " * round(step * row["depth"])
    label = f"{indent}{row['service'].removesuffix('-service')}: {row['operation']}"[:LABEL]
    return label + (" (failed)" if row["failed"] else "")


def _legend(services: Sequence[str]) -> list[Any]:
    from matplotlib.patches import Patch

    return [
        Patch(facecolor=f"C{n % 10}", hatch=HATCHES[n % len(HATCHES)], edgecolor="black", label=service)
        for n, service in enumerate(services)
    ]


def _places(edges: "DataFrame") -> dict[str, tuple[float, float]]:
    """On an ellipse, those that nobody calls at the left, then who is called by them, and so on."""
    called = set(edges["called"])
    order = sorted({*edges["caller"]} - called) or sorted(called)[:1]
    for service in order:  # it grows meanwhile
        order += sorted(set(edges[edges["caller"] == service]["called"]) - set(order))
    turn = 2 * math.pi / len(order)
    return {s: (-math.cos(n * turn), math.sin(n * turn)) for n, s in enumerate(order)}


def _on_curve(start: tuple[float, float], end: tuple[float, float], bend: float, share: float) -> tuple[float, float]:
    """Where on the curve of an arrow that `share` of its way is behind."""
    (x0, y0), (x1, y1) = start, end
    middle = (x0 + x1) / 2 + bend * (y1 - y0), (y0 + y1) / 2 - bend * (x1 - x0)
    left, both, right = (1 - share) ** 2, 2 * share * (1 - share), share**2
    return left * x0 + both * middle[0] + right * x1, left * y0 + both * middle[1] + right * y1
