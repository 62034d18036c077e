"""What goes wrong on purpose in a system that runs: seen, set, cleared."""

from typing import TYPE_CHECKING, Annotated

import typer

from labs.terminal import console, show_faults

if TYPE_CHECKING:
    from labs.infra.faults.board import Board

app = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    help="Faults and delays of a system that runs: without a command all of them, and which are on.",
)
System = Annotated[str, typer.Option(help="a system as `lab ps` shows it; none: the latest with faults")]


@app.callback()
def faults(context: typer.Context, system: System = "") -> None:
    """Every fault and every delay, what it does, and how it is set now."""
    if context.invoked_subcommand:
        return
    from labs.infra.faults import FaultError, board, named

    running = board.newest(system)
    if system and running is None:
        raise FaultError(f"No system {system!r} runs that has faults; `lab ps` shows what runs.")
    show_faults(named.every(), running.show() if running else {})
    if running is None:
        console.print("No system with faults runs; `lab up` starts one.")


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(help="such as payments_slow or wire_inventory")],
    value: Annotated[float | None, typer.Argument(help="how much, in its own unit; none: as `lab faults` says")] = None,
    nth: Annotated[int | None, typer.Option("--every", help="strike every n-th request only")] = None,
    system: System = "",
) -> None:
    """Break it, or make it slow, until it is cleared or the system ends."""
    switch = _board(system).set(name, value, nth)
    console.print(f"{name} is {switch}. {_sentence(switch.fault.description)}", highlight=False)


@app.command()
def clear(
    name: Annotated[str, typer.Argument(help="none: all that are on")] = "",
    system: System = "",
) -> None:
    """All is as it should be again."""
    were_on = _board(system).clear(name)
    console.print(f"Cleared: {', '.join(were_on)}" if were_on else "Nothing was on.", highlight=False)


def _board(system: str) -> "Board":
    from labs.infra.faults import FaultError, board

    running = board.newest(system)
    if running is None:
        named = f" {system!r}" if system else ""
        raise FaultError(f"No system{named} runs that has faults; `lab up` starts one, `lab ps` shows what runs.")
    return running


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
