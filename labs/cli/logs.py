"""What the processes of a system said."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from labs.infra import directories
from labs.infra.logging import files
from labs.terminal import console, follow_logs, show_entry, show_rows, stopped_by_signal

LOOKS = 0.5
"""Seconds between two looks for new lines of a story."""
STORIES = {
    "order": "SELECT process, line, began FROM story(?)",
    "correlation": "SELECT process, line, began FROM logs WHERE correlation_id = ? ORDER BY began, time",
}


def logs(
    names: Annotated[
        list[str] | None, typer.Argument(help="services such as order-service or outside; none: all")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until Ctrl-C")] = False,
    order: Annotated[str, typer.Option(help="the story of this order through all services, by time")] = "",
    correlation: Annotated[str, typer.Option(help="the story of this correlation id")] = "",
    sql: Annotated[
        str, typer.Option(help="ask the views logs and other, e.g. SELECT level, count(*) FROM logs …")
    ] = "",
    system: Annotated[str, typer.Option(help="a system as `lab ps` shows it; none: the latest")] = "",
) -> None:
    """The logs of the latest system, or of the one that is named."""
    ways = {"--order": order, "--correlation": correlation, "--sql": sql, "names of services": names}
    if len(given := [way for way, value in ways.items() if value]) > 1:
        raise typer.BadParameter(f"one of them, not both: {' and '.join(given)}", param_hint="QUESTION")
    if sql and follow:
        raise typer.BadParameter("an answer in SQL does not go on; leave --follow away", param_hint="--sql")
    folder = _folder(system)
    if sql:
        _answer(folder, sql)
    elif order or correlation:
        _tell(folder, "order" if order else "correlation", order or correlation, follow)
    else:
        _print(folder, names or [], follow)


def _folder(system: str) -> Path:
    """The logs of the latest system whose name begins so."""
    beside = () if system else ("jupyterlab-", "broker-")
    named = [d for d in directories.every() if d.name.startswith(system) and not d.name.startswith(beside)]
    if not named:
        console.print(
            "There is no system yet; `lab up` starts one." if not system else f"There is no system {system!r}."
        )
        raise typer.Exit(1)
    return max(named, key=lambda directory: directory.stat().st_mtime) / "logs"


def _print(folder: Path, names: list[str], follow: bool) -> None:
    there = files.processes(folder)
    chosen = [p for p in there if not names or any(p.startswith(n.removesuffix("-service")) for n in names)]
    if not chosen:
        console.print(
            f"{folder.parent.name} has no log of {', '.join(names)}; it has: {', '.join(there) or 'none yet'}."
        )
        raise typer.Exit(1)
    follow_logs([folder / f"{name}.log" for name in chosen], _over(follow, 0.2))


def _tell(folder: Path, kind: str, wanted: str, follow: bool) -> None:
    """The lines of a story, those that are there by time, then each as it comes."""
    from labs.infra.logging.asking import Logs

    over = _over(follow, LOOKS)
    seen: set[tuple[str, str, datetime]] = set()
    while True:
        with Logs(folder) as asked:
            found = [(row["process"], row["line"], row["began"]) for row in asked.rows(STORIES[kind], [wanted])]
        new = [each for each in found if each not in seen]
        seen.update(new)
        for process, line, began in new:
            show_entry(process, line, max(len(name) for name in files.processes(folder)), began)
        if over():
            break
    if not seen:
        what = f"names the order {wanted!r}" if kind == "order" else f"has the correlation id {wanted!r}"
        hint = f"`lab logs --system {folder.parent.name}` shows all; an older system is asked with --system."
        console.print(f"No line of {folder.parent.name} {what}. {hint}", markup=False, soft_wrap=True)
        raise typer.Exit(1)


def _answer(folder: Path, sql: str) -> None:
    from labs.infra.logging.asking import Logs

    with Logs(folder) as asked:
        show_rows(asked.rows(sql))


def _over(follow: bool, pause: float) -> Callable[[], bool]:
    """Waits a little and says whether it is time to end."""
    stop = stopped_by_signal() if follow else threading.Event()
    return lambda: not follow or stop.wait(pause)
