"""`python -m benchmarks [ground|shop|logs|tracing|alerts|growth]`: measures, prints figures and bounds; 1 if one breaks.
Without a name it leaves out tracing, alerts and growth, which want more programs or more time."""

import signal
import sys

from rich.console import Console
from rich.table import Table

from benchmarks import alerts, ground, growth, logs, shop, tracing

PARTS = {
    "ground": ground.measure,
    "shop": shop.measure,
    "logs": logs.measure,
    "tracing": tracing.measure,
    "alerts": alerts.measure,
    "growth": growth.measure,
}
LONGEST = {"ground": 300, "shop": 900, "logs": 300, "tracing": 1200, "alerts": 600, "growth": 7200}
"""Seconds after which a part gives up; on an idle machine it takes half of that."""


def main(names: list[str]) -> int:
    """0 if every bound holds, 2 for a part that does not exist."""
    if unknown := set(names) - PARTS.keys():
        sys.stderr.write(f"There is no {', '.join(sorted(unknown))}; the parts are: {', '.join(PARTS)}.\n")
        return 2
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    parts = names or ["ground", "shop", "logs"]
    signal.alarm(sum(LONGEST[name] for name in parts))
    console, figures = Console(), []
    for figure in (figure for name in parts for figure in PARTS[name]()):
        figures.append(figure)
        console.print(
            f"{figure.name}: {figure.value:.3g} {figure.unit}", style="dim"
        )  # whoever breaks it off has these
    table = Table(box=None, header_style="bold")
    for column in ("figure", "measured", "bound", ""):
        table.add_column(column, justify="right" if column in ("measured", "bound") else "left")
    for figure in figures:
        verdict = "" if not figure.bounded else "holds" if figure.holds else "[red]broken[/]"
        table.add_row(figure.name, f"{figure.value:.3g} {figure.unit}", figure.limit, verdict)
    console.print(table)
    console.print("Seconds depend on the machine and on who else uses it; ratios and counts travel better.")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
