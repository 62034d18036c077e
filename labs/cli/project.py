"""What the project keeps and makes anew: notebooks, solutions, contracts."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from labs.infra import home
from labs.terminal import console


def contracts(
    check: Annotated[bool, typer.Option("--check", help="say only whether they are still true; 1 if not")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="write down what the code does now, if it breaks nobody")
    ] = False,
) -> None:
    """What the services promise each other: their APIs and events, who tells and who listens."""
    from rich.table import Table

    from labs.infra.contracts import describing, keeping
    from labs.infra.contracts.openapi import CannotDescribe

    try:
        with console.status("asking every service"):
            made = describing.documents()
    except CannotDescribe as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None
    if not check and not accept:
        table = Table("event", "told by", "heard by")
        for row in keeping.overview(made):
            table.add_row(*row)
        console.print(table)
    judgement = keeping.accept(made) if accept else keeping.judge(keeping.kept(), made)
    written = accept and judgement.compatible and judgement.differences
    console.print(str(judgement), markup=False, highlight=False, soft_wrap=True)
    if written:
        console.print(f"Written to {keeping.FOLDER.relative_to(home.PROJECT)}.")
    raise typer.Exit(0 if written or not judgement.differences else 1)


def notebooks(only: Annotated[str, typer.Argument(help="start of a lab's name; none: all")] = "") -> None:
    """Write notebooks/ from solutions/, executed as released."""
    from labs.classroom.author.execute import executed
    from labs.classroom.author.release import write_one

    _each(only, lambda path: write_one(path, home.PROJECT / "notebooks" / path.name, executed))


def solutions(only: Annotated[str, typer.Argument(help="start of a lab's name; none: all")] = "") -> None:
    """Execute solutions/ and store the outputs."""
    from labs.classroom.author.execute import execute

    _each(only, execute)


def _each(only: str, act: Callable[[Path], Path]) -> None:
    """Do it to every solution whose name starts so, with one broker for all, and say how long each took."""
    from labs.classroom.author.execute import NotebookFailed
    from labs.infra import shared_broker

    with shared_broker.running(home.home()):
        for path in sorted((home.PROJECT / "solutions").glob(f"{only}*.ipynb")):
            started = time.monotonic()
            try:
                written = act(path)
            except NotebookFailed as error:
                console.print(str(error), markup=False, highlight=False)
                raise typer.Exit(1) from None
            console.print(f"{written.relative_to(home.PROJECT)}: {time.monotonic() - started:.1f} s")
