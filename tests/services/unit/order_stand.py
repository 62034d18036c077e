"""What tests of order-service stand on: orders, and an outside world that answers as it is told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from labs.services.chassis import crash
from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate
from labs.services.order import events, store
from labs.services.order.domain import Price, priced, worth_of
from labs.services.order.orchestrator import Actions
from labs.services.order.saga import Asked, Done, Later, Outcome, Refused
from labs.services.order.tables import Order, Payment

PRICES = {"tea": Price(350, "EUR", 1), "cup": Price(900, "EUR", 1)}
TEA_AND_CUP = (("tea", 2), ("cup", 1))
COST = 1600


@contextmanager
def order_database(url: str) -> Iterator[Database]:
    """order-service's own at this URL, made by its migrations."""
    migrate("order", url)
    db = Database(url)
    yield db
    db.engine.dispose()


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(point: str) -> Iterator[None]:
    """Whoever passes this crash point inside is gone; so is the exception when this ends."""

    def die(name: str) -> None:
        if name == point:
            raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(crash, "point", die)
        yield


def place(db: Database, wanted: Sequence[tuple[str, int]] = TEA_AND_CUP, customer: str = "customer-1") -> str:
    """The id of a new order."""
    with db.transaction() as tx:
        return store.place(tx, customer, priced(wanted, PRICES), "card-ok").id


def get(db: Database, order_id: str) -> Order:
    """As it is now."""
    with db.reading() as session:
        order = store.get(session, order_id)
    assert order is not None
    return order


@dataclass
class Outside:
    """Provider, carrier and warehouse. They remember what they did for each order; how they answer is scripted."""

    charged: dict[str, int] = field(default_factory=dict)
    refunds: dict[str, dict[str, int]] = field(default_factory=dict)
    voided: set[str] = field(default_factory=set)
    parcels: dict[str, int] = field(default_factory=dict)  # how many of the lines are in it
    ships: int = 99  # lines of each order that the carrier finds
    declines: bool = False
    answers: str = "well"  # or "lost" (after it was done), "unreached" (nothing done), "refused"
    asked: list[str] = field(default_factory=list)

    def actions(self) -> Actions:
        """What the steps of the saga do here."""
        does = {
            "charge": self._charge,
            "refund": self._refund,
            "repay": self._repay,
            "ship": self._ship,
            "release": lambda _order: Done(),
        }
        outside = {name: lambda order, name=name: self._asked(name, does[name], order) for name in does}
        return {**outside, "reserve": lambda order: Asked("order_placed", events.data("order_placed", order), 30)}

    def is_even(self, order: Order) -> bool:
        """Was paid for exactly what was shipped?"""
        shipped = sum(line["amount"] * line["quantity"] for line in order.lines[: self.parcels.get(order.id, 0)])
        paid = self.charged.get(order.id, 0) - sum(self.refunds.get(order.id, {}).values())
        return paid == shipped

    def _asked(self, name: str, does: object, order: Order) -> Outcome:
        self.asked.append(name)
        if self.answers == "unreached":
            return Later("no connection", maybe_done=False)
        if self.answers == "refused":
            return Refused("not today")
        outcome: Outcome = does(order)  # type: ignore[operator]
        return Later("no answer in time", maybe_done=True) if self.answers == "lost" else outcome

    def _charge(self, order: Order) -> Outcome:
        if order.id in self.voided:
            return Refused("voided")
        if self.declines and order.id not in self.charged:
            return Refused("declined")
        self.charged[order.id] = order.amount
        note = {"key": order.id, "order_id": order.id, "kind": "charge", "amount": order.amount}
        return Done(records=[(Payment, {**note, "currency": "EUR", "day": "2030-01-01"})])

    def _refund(self, order: Order) -> Outcome:
        if order.id in self.charged:
            self.refunds.setdefault(order.id, {})["all"] = order.amount
        else:
            self.voided.add(order.id)
        return Done()

    def _repay(self, order: Order) -> Outcome:
        self.refunds.setdefault(order.id, {})["missing"] = worth_of(order.missing, order.lines)
        return Done()

    def _ship(self, order: Order) -> Outcome:
        found = self.parcels.setdefault(order.id, min(self.ships, len(order.lines)))
        missing = events.pieces(order)[found:]
        return Done({"tracking_code": "TRACK-1", "missing": missing}) if found else Refused("nothing found")
