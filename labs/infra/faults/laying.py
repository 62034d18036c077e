"""Where calls between services go over the wire: services learn when they start where the others are, from variables of
docker-compose.yml that are set if `wire` is wanted beside them. Without it they ask each other directly."""

from collections.abc import Collection, Iterable, Mapping

from labs.infra.compose import Service
from labs.infra.faults.named import WIRE
from labs.infra.start_error import StartError

ADMIN_PORT = 8099
LINES = {
    "WIRE_USER": ("user-api:8000", 8001),
    "WIRE_INVENTORY": ("inventory-api:8000", 8002),
    "WIRE_OUTSIDE": ("outside:8000", 8003),
}
"""By the variable that stands for the address of each: that address without a wire, and the port of the line to it."""


def variables() -> dict[str, str]:
    """What is set where there is a wire."""
    return {name: f"{WIRE}:{port}" for name, (_, port) in LINES.items()}


def refuse_late(services: Mapping[str, Service], up: Iterable[str], wanted: Collection[str]) -> None:
    """Raise StartError if services of `up` run already that ask others directly, and would go on to."""
    past = [name for name in up if services[name].restart != "no" and _asks(services[name])]
    if past:
        groups = sorted({services[name].group for name in past} - set(wanted))
        raise StartError(
            f"{', '.join(groups)} would go past the wire: what runs already has learned at its start where the others are.\n"
            f"Start {WIRE} first or together with them. For a system that runs: stop these, then start them with it."
        )


def _asks(service: Service) -> bool:
    """Whether it was told the address of one that a line leads to."""
    return any(f"//{address}" in value for address, _ in LINES.values() for value in service.environment.values())
