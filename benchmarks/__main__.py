"""`python -m benchmarks [ground|shop]`: measures, prints each figure beside its bound, and ends with 1 if one is broken."""

import signal
import sys

from rich.console import Console
from rich.table import Table

from benchmarks import ground, shop

PARTS = {"ground": ground.measure, "shop": shop.measure}
LONGEST = 1200
"""Seconds after which a run gives up; all of it takes half of that on an idle machine."""


def main(names: list[str]) -> int:
    """0 if every bound holds, 2 for a part that does not exist."""
    if unknown := set(names) - PARTS.keys():
        sys.stderr.write(f"There is no {', '.join(sorted(unknown))}; the parts are: {', '.join(PARTS)}.\n")
        return 2
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(LONGEST)
    figures = [figure for name in names or PARTS for figure in PARTS[name]()]
    table = Table(box=None, header_style="bold")
    for column in ("figure", "measured", "bound", ""):
        table.add_column(column, justify="right" if column in ("measured", "bound") else "left")
    for figure in figures:
        verdict = "" if not figure.bounded else "holds" if figure.holds else "[red]broken[/]"
        table.add_row(figure.name, f"{figure.value:.3g} {figure.unit}", figure.limit, verdict)
    console = Console()
    console.print(table)
    console.print("Seconds depend on the machine and on who else uses it; ratios and counts travel better.")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
