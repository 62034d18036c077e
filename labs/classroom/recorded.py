"""The part of `lab` that is about cutting the monolith: its recording, cuts as files, and borders in force."""

import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labs.classroom import cards, cutting, watching
from labs.classroom.cutting import Request
from labs.classroom.visited import MONOLITH, PARTS, loaded
from labs.infra.system import System
from labs.services.monolith.borders import Borders
from labs.services.monolith.recording import OWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

RECORDING = "/var/lib/monolith/recording.jsonl"
CUTS = "cuts"
GLUE = ("settings", "__init__")
"""Modules that every part has, and that a cut gives to each service anyway."""


class Recorded:
    """What Lab has of it."""

    system: System

    def record(self, borders: Borders | None = None) -> None:
        """Restart the monolith so that it writes down what happens in each request; with `borders`, so that it refuses what
        crosses them."""
        in_force = {"BORDERS": json.dumps(borders.services)} if borders else {}
        self.system.configure(MONOLITH, RECORDING=RECORDING, **in_force)
        self.system.restart(MONOLITH)
        cards.card("note", f"the monolith records{', and borders are in force' if borders else ''}")

    def recording(self, since: int = 0) -> list[Request]:
        """What was recorded so far, without the first `since` requests."""
        place = self.system.places.translate(self.system.services[MONOLITH], RECORDING)
        return cutting.read(Path(place))[since:]

    def cut_file(self, name: str) -> ModuleType:
        """A file of the folder `cuts` as a module, read anew. Raises what it raises."""
        return loaded(self.system.places.sources / CUTS / f"{name}.py")

    def cut(self, name: str) -> Borders:
        """The cut in cuts/`name`.py. Raises what the file raises."""
        return Borders(self.cut_file(name).SERVICES)

    def sources(self) -> "Mapping[str, str]":
        """The source of each part of the monolith's code, by its name in a recording."""
        found = {}
        for part in (*PARTS, MONOLITH):
            folder = self.system.places.sources / part
            for path in sorted(folder.rglob("*.py")):
                name = ".".join(path.relative_to(folder).with_suffix("").parts)
                if _is_part(part, name):
                    found[f"{part}.{name}"] = path.read_text()
        return found

    def tables(self, service: str = MONOLITH) -> set[str]:
        """The tables of a service's database, without those that every service has."""
        rows = watching.rows(self.system, service, "SELECT name FROM sqlite_master WHERE type = 'table'")
        return (
            {row["name"] for row in rows} - _OF_THE_CHASSIS - {row["name"] for row in rows if "alembic" in row["name"]}
        )

    def parts(self) -> list[str]:
        """All that a cut must give to somebody: modules, and tables."""
        return [*self.sources(), *(f"db.{table}" for table in sorted(self.tables()))]

    def lanes(self, steps: "Sequence[Any]", cuts: "Mapping[str, Borders]") -> "Figure":
        """One request's way through the services of each cut, as a figure."""
        from labs.classroom import cut_pictures  # half a second that only a lab with a plot should pay

        return cut_pictures.lanes(steps, cuts)

    def scores(self, table: "Mapping[str, Mapping[str, float]]") -> "Figure":
        """Cuts beside each other, a panel for each measure, as a figure."""
        from labs.classroom import cut_pictures

        return cut_pictures.scores(table)


_OF_THE_CHASSIS = {"outbox", "inbox", "idempotency_keys", "sqlite_sequence"}


def _is_part(part: str, name: str) -> bool:
    if part == MONOLITH:
        return name in OWN
    return not name.startswith("migrations") and name.rpartition(".")[2] not in GLUE
