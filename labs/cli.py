"""The command `lab`: what a learner, an instructor and CI say to the system from a shell."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from labs.infra import directories, doctor, home
from labs.terminal import console, follow_logs, show_ledger, show_routes, show_system, stopped_by_signal

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Start, look at and end the systems of the labs.",
)
Names = Annotated[list[str] | None, typer.Argument(help="services such as order-service or outside; none: all")]


@app.command(name="doctor")
def doctor_command() -> None:
    """What the labs need, what was found, and the one command for what is missing."""
    needs = doctor.examine()
    console.print(doctor.render(needs), markup=False, highlight=False)
    raise typer.Exit(0 if all(need.ok for need in needs if need.required) else 1)


@app.command()
def up(
    names: Names = None,
    docker: Annotated[bool, typer.Option("--docker", help="in containers, with Docker Compose")] = False,
    postgres: Annotated[bool, typer.Option("--postgres", help="data in PostgreSQL instead of SQLite files")] = False,
    profile: Annotated[
        list[str] | None, typer.Option(help="also what docker-compose.yml has under this profile")
    ] = None,
    cold: Annotated[bool, typer.Option("--cold", help="start every process from nothing, fork none")] = False,
) -> None:
    """Start the system in the foreground and show its logs; Ctrl-C ends it."""
    from labs.infra.system import Databases, System

    databases: Databases = "postgresql" if postgres else "sqlite"
    if docker:
        from labs.infra import docker as containers

        raise typer.Exit(containers.up(names or [], databases, profile or []))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, which ends a start half-way too
    system = System("shop", cold=cold, databases=databases, profiles=profile or [])
    try:
        with console.status("starting"):
            started = system.up(*(names or []))
        stop = stopped_by_signal()
        show_system(system.directory)
        follow_logs(
            [system.log(name) for name in started], lambda: stop.wait(0.2) or not directories.guard(system.directory)
        )
        if not stop.is_set():
            console.print("The system was ended from elsewhere, as `lab down` does.")
    except KeyboardInterrupt:
        console.print("Stopped while it was starting.")
    finally:
        system.down()


@app.command()
def down(
    name: Annotated[str, typer.Argument(help="the start of a system's name in `lab ps`; none: all of the shop")] = "",
    everything: Annotated[bool, typer.Option("--all", help="JupyterLab and its broker too")] = False,
) -> None:
    """End systems that run, wherever they were started. JupyterLab and the broker that serves it end only by name or --all."""
    from labs.infra import docker

    beside = () if name or everything else ("jupyterlab-", "broker-")
    living = [d for d in directories.running() if d.name.startswith(name) and not d.name.startswith(beside)]
    in_containers = not name and docker.end()
    if not living and not in_containers:
        console.print("Nothing runs." if not name else f"No system {name!r} runs; `lab ps` shows what does.")
        raise typer.Exit(1 if name else 0)
    if living:
        _end(living)


@app.command()
def ps() -> None:
    """Every process of every system: state, address, memory."""
    living = directories.running()
    for directory in living:
        show_system(directory)
    if not living:
        console.print("Nothing runs.")


@app.command()
def route(
    capability: Annotated[str, typer.Argument(help="such as orders; none: only show")] = "",
    to: Annotated[str, typer.Argument(metavar="[monolith|services]", help="who answers from now on")] = "",
    percent: Annotated[int, typer.Option(help="of its requests; the rest go to the other side")] = 100,
    system: Annotated[str, typer.Option(help="a system as `lab ps` shows it; none: the latest with a gateway")] = "",
) -> None:
    """Who answers for each capability behind the gateway, and moving it between the monolith and the services."""
    from labs.infra.gateway import routes

    if capability and not to:
        raise typer.BadParameter("say where it goes: monolith or services", param_hint="TO")
    gateway = routes.find(system)
    if capability:
        gateway.move(capability, to, percent)
    show_routes(gateway.show())


@app.command()
def ledger(
    system: Annotated[str, typer.Option(help="a system as `lab ps` shows it; none: the latest with orders")] = "",
) -> None:
    """Compare all books of a system by order: was anything lost, doubled, oversold, charged for nothing? Ends with 1 if so."""
    from labs.classroom import books
    from labs.classroom.ledger import judge

    named = sorted((d for d in directories.every() if d.name.startswith(system)), key=lambda d: d.stat().st_mtime)
    shops = [stores for d in named if "outside" in (stores := books.stores(d)) and len(stores) > 1]
    if not shops:
        console.print(
            "There is no system with orders; `lab up` starts one." if not system else f"{system!r} has no orders."
        )
        raise typer.Exit(1)
    judged = judge(books.read(shops[-1]))
    show_ledger(judged.rows(), [kind.replace("_", " ") for kind in judged.wrong])
    raise typer.Exit(1 if judged.wrong else 0)


@app.command()
def logs(
    names: Names = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until Ctrl-C")] = False,
    system: Annotated[str, typer.Option(help="a system as `lab ps` shows it; none: the latest")] = "",
) -> None:
    """The logs of the latest system, or of the one that is named."""
    beside = () if system else ("jupyterlab-", "broker-")
    named = [d for d in directories.every() if d.name.startswith(system) and not d.name.startswith(beside)]
    found = sorted(named, key=lambda d: d.stat().st_mtime)
    if not found:
        console.print(
            "There is no system yet; `lab up` starts one." if not system else f"There is no system {system!r}."
        )
        raise typer.Exit(1)
    folder = found[-1] / "logs"
    files = [
        f
        for f in sorted(folder.glob("*.log"))
        if not names or any(f.stem.startswith(n.removesuffix("-service")) for n in names)
    ]
    if not files:
        here = ", ".join(sorted(f.stem for f in folder.glob("*.log")))
        console.print(f"{found[-1].name} has no log of {', '.join(names or [])}; it has: {here or 'none yet'}.")
        raise typer.Exit(1)
    stop = stopped_by_signal()
    follow_logs(files, lambda: not follow or stop.wait(0.2))


@app.command()
def reset(
    programs: Annotated[bool, typer.Option("--programs", help="also the fetched programs, such as RabbitMQ")] = False,
) -> None:
    """End every system and forget all data, logs and progress."""
    import shutil

    from labs.infra import docker

    if living := directories.running():
        _end(living)
    docker.forget()
    kept = [] if programs else ["programs"]
    for entry in home.home().iterdir():
        if entry.name not in kept:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    console.print(
        "Forgotten. Notebooks that you changed stay as they are; `git checkout notebooks` brings the originals back."
    )


@app.command()
def contracts(
    check: Annotated[bool, typer.Option("--check", help="say only whether they are still true; 1 if not")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="write down what the code does now, if it breaks nobody")
    ] = False,
) -> None:
    """What the services promise each other: their APIs and events, who tells and who listens."""
    from rich.table import Table

    from labs.infra.contracts import describing, keeping

    with console.status("asking every service"):
        made = describing.documents()
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


@app.command()
def notebooks(only: Annotated[str, typer.Argument(help="start of a lab's name; none: all")] = "") -> None:
    """Write notebooks/ from solutions/, executed as released."""
    from labs.classroom.author.execute import executed
    from labs.classroom.author.release import write_one

    _each(only, lambda path: write_one(path, home.PROJECT / "notebooks" / path.name, executed))


@app.command()
def solutions(only: Annotated[str, typer.Argument(help="start of a lab's name; none: all")] = "") -> None:
    """Execute solutions/ and store the outputs."""
    from labs.classroom.author.execute import execute

    _each(only, execute)


@app.command()
def start(
    browser: Annotated[bool, typer.Option(help="open a browser")] = True,
) -> None:
    """JupyterLab with a broker beside it; Ctrl-C ends both. `make lab` calls this."""
    from labs.infra import jupyter

    raise typer.Exit(jupyter.run(browser))


def main() -> None:
    """The entry point: errors that a person can mend end in words, not in a traceback."""
    from labs.infra.compose import ComposeError
    from labs.infra.contracts.openapi import CannotDescribe
    from labs.infra.gateway import RouteError
    from labs.infra.owner import GuardLost
    from labs.infra.ports import NoPorts
    from labs.infra.start_error import StartError

    try:
        app()
    except (CannotDescribe, StartError, ComposeError, NoPorts, GuardLost, RouteError) as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        sys.exit(1)
    except OSError as error:
        console.print(f"{error.strerror or error}: {error.filename or home.home()}", style="red", markup=False)
        console.print("The labs keep their files there; make room or set LAB_HOME to a folder that you may write to.")
        sys.exit(1)


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


def _end(living: list[Path]) -> None:
    """Ask the guards of these systems to end them; returns when they have, or says which did not."""
    for directory in living:
        if guard := directories.guard(directory):
            guard.terminate()
    deadline = time.monotonic() + 60
    while (left := [d.name for d in living if directories.guard(d)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    if left:
        console.print(f"Still ending: {', '.join(left)}; `lab ps` shows what they wait for.")
        raise typer.Exit(1)
    console.print(f"Ended: {', '.join(d.name for d in living)}")
