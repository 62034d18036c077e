"""Start systems, look at them, end them."""

import signal
import time
from pathlib import Path
from typing import Annotated

import typer

from labs.infra import directories, home
from labs.terminal import console, follow_logs, show_system, stopped_by_signal

Names = Annotated[list[str] | None, typer.Argument(help="services such as order-service or outside; none: all")]


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


def ps() -> None:
    """Every process of every system: state, address, memory."""
    living = directories.running()
    for directory in living:
        show_system(directory)
    if not living:
        console.print("Nothing runs.")


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
