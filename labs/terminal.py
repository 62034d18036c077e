"""What the command `lab` shows in a terminal: a system as a table, logs line by line, and when to stop."""

import signal
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from labs.infra import directories

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red")
console = Console()


def stopped_by_signal() -> threading.Event:
    """Set by Ctrl-C or SIGTERM from now on."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def follow_logs(files: list[Path], over: Callable[[], bool]) -> None:
    """Print what is in the files and, until `over`, which waits a little, what comes; each line with its process's name."""
    width = max((len(f.stem) for f in files), default=0)
    opened = [(f.stem, COLOURS[i % len(COLOURS)], f.open(errors="replace")) for i, f in enumerate(files) if f.exists()]
    while True:
        for name, colour, file in opened:
            for line in file:
                console.print(f"[{colour}]{name:{width}}[/] │ ", end="")
                console.print(line.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)
        if over():
            return


def show_system(directory: Path) -> None:
    """One system as `lab ps` and `lab up` show it."""
    from labs.infra.memory import group_memory

    table = Table(title=directory.name, title_justify="left", box=None, header_style="bold")
    for column in ("service", "state", "address", "memory", "restarts"):
        table.add_column(column, justify="right" if column in ("memory", "restarts") else "left")
    total = 0
    for name, facts in directories.state(directory)["services"].items():
        memory = group_memory(facts["pid"]) if facts["pid"] else 0
        total += memory
        state = "done" if facts["state"] == "stopped" and facts["code"] == 0 else facts["state"]
        address = facts.get("address", "") if facts["pid"] else ""
        table.add_row(name, state, address, f"{memory >> 20} MB" if memory else "", str(facts["restarts"] or ""))
    everything = group_memory(directories.state(directory)["guard"])
    table.add_row("(runner)", "", "", f"{max(0, everything - total) >> 20} MB", "", style="dim")
    table.add_row("", "", "", f"{everything >> 20} MB", "", style="bold")
    console.print(table)


def show_routes(shares: Mapping[str, int]) -> None:
    """Who answers for each capability; `shares` are the per cent that go to the services."""
    table = Table(box=None, header_style="bold")
    table.add_column("capability")
    for side in ("monolith", "services"):
        table.add_column(side, justify="right")
    for capability, share in shares.items():
        table.add_row(capability, f"{100 - share} %", f"{share} %")
    console.print(table)


def show_ledger(rows: Sequence[tuple[str, int, str]], wrong: Collection[str]) -> None:
    """What, how many, the first few; what is in `wrong` in red."""
    table = Table(box=None, header_style="bold")
    for column in ("orders and products", "", "which"):
        table.add_column(column, justify="left" if column else "right")
    for what, number, first in rows:
        table.add_row(what, str(number), first, style="red" if what in wrong else "")
    console.print(table)
