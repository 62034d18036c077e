"""What becomes of an order when the service that deals with it dies at a named point of its work. Each version of it has a
queue of its own name, a table `points` of what it booked, and tells the exchange `points` of it."""

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kombu import Exchange

from labs.classroom import programs, queues, watching
from labs.infra.system import System
from labs.services.chassis.events import Event

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types

POINTS = ("before_commit", "after_commit", "before_publish", "before_confirm", "before_ack")
"""Where a program dies, in the order of its work; what is true there is in labs/services/chassis/crash.py."""
TOLD = Exchange("points", "fanout")
HEARD = "points.heard"
"""A queue that hears all that is told, as somebody would who keeps count."""
PATIENCE = 4.0
"""Seconds after which an order that was not dealt with counts as forgotten; it takes a tenth of one."""


@dataclass(frozen=True)
class Fate:
    """Of one order that was paid for once: how often it was `booked`, how many different events `told` of it, and in how many
    `copies` these went out. One event that comes twice under one id is one event to whoever has an inbox."""

    booked: int
    told: int
    copies: int

    @property
    def lost(self) -> int:
        """Bookings that nobody was told of, and events that tell of no booking; or an order of which nothing is left."""
        return abs(self.booked - self.told) or int(self.booked == 0)

    @property
    def doubled(self) -> int:
        """Bookings, or events, too many."""
        return max(0, self.booked - 1, self.told - 1)

    def words(self) -> str:
        """For a table."""
        said = [f"{name} {count}" for name, count in (("lost", self.lost), ("doubled", self.doubled)) if count]
        return ", ".join(said) or "0 / 0"


class Fates:
    """Of orders that are handed to the versions of one system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._heard: list[tuple[str, str, str]] = []  # version, order, event id
        queues.make(system, HEARD, TOLD)

    def hand(self, version: str, order_id: str, event_id: str = "", times: int = 1) -> None:
        """Tell a version that an order is paid for, as order-service would, but nobody else; `times` over under one id."""
        event = Event("order-service", "order_paid", {"order_id": order_id, "amount": 700, "currency": "EUR"})
        event = dataclasses.replace(event, id=event_id or event.id)
        fates = watching.hand(self._system, event, f"{version}-service", times)
        if any(fates):
            raise ValueError(f"{version}-service has no queue of its name: {fates[0]}")

    def of(self, version: str, order_id: str) -> Fate:
        """What has become of an order by now."""
        for message in queues.take(self._system, HEARD):
            about = message.delivery_info["routing_key"].removesuffix("-service"), message.payload["order_id"]
            self._heard.append((*about, message.properties["message_id"]))
        ids = [event for who, about, event in self._heard if (who, about) == (version, order_id)]
        query = "SELECT count(*) AS n FROM points WHERE order_id = ?"
        return Fate(watching.rows(self._system, version, query, order_id)[0]["n"], len(set(ids)), len(ids))

    def calm(self, version: str, **how: Any) -> Fate:
        """Hand over an order, and wait until it is dealt with, or long enough. Nobody dies."""
        order_id = uuid4().hex
        self.hand(version, order_id, **how)
        self._until_done(version)
        return self.of(version, order_id)

    def death(self, versions: Collection[str], where: str) -> dict[str, Fate]:
        """Each version dies at `where` (point@n) over an order of its own, and is started again; what has become of the orders
        of those that died there."""
        orders = {version: uuid4().hex for version in versions}
        self._empty_handed(versions)

        def work() -> None:
            for version, order_id in orders.items():
                self.hand(version, order_id)

        survivors = programs.dies(self._system, versions, where, work)
        for version in versions:
            self._until_consumed_by(1, version)
            self._until_done(version)
        return {version: self.of(version, order) for version, order in orders.items() if version not in survivors}

    def table(self, versions: Sequence[str], points: Sequence[str] = POINTS) -> "DataFrame":
        """A death of each version at each point: a row each, with what was lost and doubled."""
        from pandas import DataFrame

        rows = []
        for point in points:
            for version, fate in self.death(versions, f"{point}@1").items():
                known = {"point": point, "version": version, "lost": fate.lost, "doubled": fate.doubled}
                rows.append(known | {"copies": fate.copies, "words": fate.words()})
        return DataFrame(rows)

    def _empty_handed(self, versions: Collection[str]) -> None:
        """Stop them and empty their queues: an event that was dealt with and not yet acknowledged would come again, and they
        would die over that one."""
        self._system.stop(*versions)
        for version in versions:
            self._until_consumed_by(0, version)
            queues.take(self._system, f"{version}-service")

    def _until_consumed_by(self, number: int, version: str) -> None:
        """Until the broker knows who consumes: then what a dead one had in hand is back in the queue, before what comes."""
        watching.until(lambda: queues.consumers(self._system, f"{version}-service") == number, PATIENCE)

    def _until_done(self, version: str) -> None:
        """Events are dealt with one after the other, so those before this one are done when it is."""
        last = uuid4().hex
        self.hand(version, last)
        watching.until(lambda: (fate := self.of(version, last)).booked and fate.told, PATIENCE)


def grid(table: "DataFrame") -> "Figure":
    """The table as a picture: crash points down, versions across, and in each field what a death there cost."""
    from labs.classroom import figures

    points, versions = list(dict.fromkeys(table["point"])), list(dict.fromkeys(table["version"]))
    said = []
    for row in table.to_dict("records"):
        bad = bool(row["lost"]) + bool(row["doubled"])
        look = (("#e3f1e4", ""), ("#f6cfcb", ""), ("#e58b83", "//"))[bad]
        words = row["words"].replace(", ", "\n")
        said.append(figures.Field(versions.index(row["version"]), points.index(row["point"]), words, *look, 8, 1.5))
    return figures.fields(points, versions, said, figsize=(2.2 + 1.7 * len(versions), 0.7 + 0.5 * len(points)))
