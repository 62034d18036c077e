"""`python -m benchmarks`: measures, prints each figure beside its bound, and ends with 1 if one is broken."""

import signal
import sys

from rich.console import Console
from rich.table import Table

from benchmarks import ground

LONGEST = 300
"""Seconds after which a run gives up: nothing here takes a minute on an idle machine."""


def main() -> int:
    """0 if every bound holds."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(LONGEST)
    figures = ground.measure()
    table = Table(box=None, header_style="bold")
    for column in ("figure", "measured", "bound", ""):
        table.add_column(column, justify="right" if column in ("measured", "bound") else "left")
    for figure in figures:
        verdict = "" if figure.bound is None else "holds" if figure.holds else "[red]broken[/]"
        table.add_row(figure.name, f"{figure.value:.3g} {figure.unit}", figure.limit, verdict)
    console = Console()
    console.print(table)
    console.print("Seconds depend on the machine and on who else uses it; ratios and counts travel better.")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
