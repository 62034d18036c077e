"""What the command `lab` shows in a terminal: a system as a table, logs line by line, and when to stop."""

import signal
import threading
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from labs.infra import directories
from labs.infra.faults.named import Named
from labs.infra.logging import entries
from labs.infra.logging.files import Tail

COLOURS = ("cyan", "green", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta", "bright_blue")
GRAVE = {"warning": "yellow", "warn": "yellow", "error": "red", "critical": "bold red"}
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
    tails = [(file.stem, Tail(file)) for file in files]
    while True:
        for name, tail in tails:
            for line in tail.read():
                show_entry(name, line, width)
        if over():
            break
    for _, tail in tails:
        tail.close()


def show_entry(process: str, line: str, width: int, at: datetime | None = None) -> None:
    """A line of a log as a person reads it; the names of processes are so many characters wide. `at` (UTC) is when what it
    tells of began, if that is to be shown and not when it was written."""
    entry = entries.read(line, at)
    colour = COLOURS[zlib.crc32(process.encode()) % len(COLOURS)]
    grave = GRAVE.get(entry.level, "")
    words = Text.assemble((f"{process:{width}}", colour), " │ ")
    if entry.time:
        words.append(f"{entry.time} ", "dim").append(f"{entry.level:7} ", grave)
    words.append(entry.message, grave or "bold" if entry.time else "")
    for name, value in entry.details.items():
        words.append(f"  {name}=", "dim").append(value)
    console.print(words, soft_wrap=True, highlight=False)
    for frame in entry.stack_trace.splitlines():
        console.print(Text.assemble((f"{process:{width}}", colour), " │   ", (frame, "dim")), soft_wrap=True)


def show_rows(rows: Sequence[Mapping[str, object]]) -> None:
    """The answer to a question in SQL."""
    if not rows:
        console.print("No rows.")
        return
    table = Table(box=None, header_style="bold")
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else escape(str(value)) for value in row.values()))
    console.print(table)


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


def show_faults(faults: Mapping[str, Named], now: Mapping[str, object]) -> None:
    """All there are; `now` says of those of a system that runs how each is set, the others cannot strike there."""
    table = Table(box=None, header_style="bold")
    for column in ("fault", "now", "unless said", "where", "what it does"):
        table.add_column(column, overflow="fold")
    for name, fault in faults.items():
        said = str(now.get(name, "-"))
        usual = f"{fault.default:g} {fault.unit}" if fault.unit else ""
        table.add_row(name, said, usual, fault.where, fault.description, style="red" if said.startswith("on") else "")
    console.print(table)


def show_ledger(rows: Sequence[tuple[str, int, str]], wrong: Collection[str]) -> None:
    """What, how many, the first few; what is in `wrong` in red."""
    table = Table(box=None, header_style="bold")
    for column in ("orders and products", "", "which"):
        table.add_column(column, justify="left" if column else "right")
    for what, number, first in rows:
        table.add_row(what, str(number), first, style="red" if what in wrong else "")
    console.print(table)
