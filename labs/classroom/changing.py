"""The part of a lab that changes a system while it works: its schema, its code, and what was told is told again."""

from collections.abc import Iterable
from typing import Any

from labs.classroom import cards
from labs.classroom.load import Request
from labs.classroom.slips import Slip
from labs.classroom.visitors import Visitors
from labs.infra.start_error import StartError
from labs.infra.system import System

MIGRATE, REPLAY = "labs.services.chassis.migrate", "labs.services.chassis.replay"


class Changing:
    """What Lab has of it. A service is named as in `lab.up`: inventory-service; a process as in docker-compose.yml:
    inventory-api."""

    system: System

    def migrate(self, service: str, direction: str, revision: str = "") -> None:
        """Run the migrations of a service, "upgrade" or "downgrade", to a revision; without one all the way. What runs of the
        service runs on."""
        name = service.removesuffix("-service")
        self._task(name, MIGRATE, name, direction, revision)
        cards.card(
            "note", f"{service}: {direction} to {revision or {'upgrade': 'head', 'downgrade': 'base'}[direction]}"
        )

    def replay(self, service: str, *event_types: str) -> None:
        """Have a service tell again what it has told of these types, as far back as its outbox goes."""
        self._task(service.removesuffix("-service"), REPLAY, *event_types)
        cards.card("note", f"{service} tells again: {', '.join(event_types)}")

    def deploy(self, process: str, **settings: Any) -> None:
        """Restart one process of a service with these settings on top of those it has; returns when it is ready."""
        service = self.system.services[process].group
        self.system.configure(service, **{**self.system.configured(service), **settings})
        try:
            self.system.restart(process)
        except StartError as error:
            raise Slip(str(error)) from None
        words = ", ".join(f"{name}={value}" for name, value in settings.items())
        cards.card("note", f"deployed: {process}, {words}")

    def visitors(self, rate: float, asking: Iterable[Request]) -> Visitors:
        """`with lab.visitors(20, requests) as load:` has these requests come, so many a second, until the end of the block."""
        return Visitors(rate, asking)

    def _task(self, service: str, *command: str) -> None:
        try:
            self.system.run_task(service, *command)
        except StartError as error:
            raise Slip(str(error)) from None
