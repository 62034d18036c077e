"""The part of a lab that counts what services ask each other, and says how an answer's time grows with what it is about."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from labs.infra.logging import files
from labs.infra.logging.entries import structured
from labs.infra.logging.files import Mark
from labs.infra.system import System

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types


@dataclass(frozen=True)
class Question:
    """A GET that a process has answered; `query` as (name, value), as far as its log has it."""

    path: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def skus(self) -> tuple[str, ...]:
        """The products that it is about: those in the query, or the last part of the path."""
        return tuple(value for name, value in self.query if name == "sku") or (self.path.rpartition("/")[2],)


class RoundTrips:
    """What Lab has of it."""

    system: System

    @contextmanager
    def asked(self, process: str) -> Iterator[list[Question]]:
        """`with lab.asked("inventory-api") as questions:` has, after the block, the GETs that were answered meanwhile."""
        since = files.mark(self.system.log(process))
        found: list[Question] = []
        yield found
        found += questions(self.system, process, since)

    def slopes(self, measured: Sequence[Mapping[str, Any]], finding: str) -> "DataFrame":
        """Show how many seconds an answer took by how many items it was about: a panel for each `delay` (milliseconds), a line
        for each `way`; rows have way, delay, items, seconds. Returns the slopes, milliseconds for one more item, a row for
        each way and a column for each delay."""
        from pandas import DataFrame  # half a second that only a lab with a plot should pay

        from labs.classroom import figures, slopes

        table = DataFrame(measured)
        steep = slopes.of(table)
        words = (
            "Seconds of an answer by its items, {} panels, one for each delay on the wire. Slopes: see the text below."
        )
        picture, alt = slopes.panels(table), words.format(len(steep.columns))
        figures.show(picture, alt, finding, f"milliseconds for one more item\n{steep.round(2).to_string()}")
        return steep


def questions(system: System, process: str, since: Mark) -> list[Question]:
    """The GETs that a process has answered since then, as its log says; each is there before its answer is."""
    found = []
    for entry in structured(files.text(system.log(process), since).splitlines()):
        if entry.get("http", {}).get("request", {}).get("method") == "GET":
            url = entry["url"]
            found.append(Question(url["path"], tuple(parse_qsl(url.get("query", "")))))
    return found
