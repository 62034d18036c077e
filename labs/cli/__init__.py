"""The command `lab`: what a learner, an instructor and CI say to the system from a shell."""

import sys
from typing import Annotated

import typer

from labs.cli import faults, logs, project, shop, systems
from labs.infra import doctor, home
from labs.terminal import console

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Start, look at and end the systems of the labs.",
)


@app.command(name="doctor")
def doctor_command() -> None:
    """What the labs need, what was found, and the one command for what is missing."""
    needs = doctor.examine()
    console.print(doctor.render(needs), markup=False, highlight=False)
    raise typer.Exit(0 if all(need.ok for need in needs if need.required) else 1)


@app.command()
def start(
    browser: Annotated[bool, typer.Option(help="open a browser")] = True,
) -> None:
    """JupyterLab with a broker beside it; Ctrl-C ends both. `make lab` calls this."""
    from labs.infra import jupyter

    raise typer.Exit(jupyter.run(browser))


for command in (systems.up, systems.down, systems.ps, logs.logs, systems.reset):
    app.command()(command)
for command in (shop.ledger, shop.route):
    app.command()(command)
for command in (project.contracts, project.notebooks, project.solutions):
    app.command()(command)

app.add_typer(faults.app, name="faults")


def main() -> None:
    """The entry point: errors that a person can mend end in words, not in a traceback."""
    from labs.infra.compose import ComposeError
    from labs.infra.faults import FaultError
    from labs.infra.gateway import RouteError
    from labs.infra.logging import BadQuestion, NoLogs
    from labs.infra.owner import GuardLost
    from labs.infra.ports import NoPorts
    from labs.infra.start_error import StartError

    try:
        app()
    except (StartError, ComposeError, NoPorts, GuardLost, RouteError, NoLogs, BadQuestion, FaultError) as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        sys.exit(1)
    except OSError as error:
        console.print(f"{error.strerror or error}: {error.filename or home.home()}", style="red", markup=False)
        console.print("The labs keep their files there; make room or set LAB_HOME to a folder that you may write to.")
        sys.exit(1)
