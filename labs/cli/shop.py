"""The shop that runs: who answers for what, and whether its books agree."""

from typing import Annotated

import typer

from labs.infra import directories
from labs.terminal import console, show_ledger, show_routes


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
