"""What can go wrong out there, as data: each fault has a name, says what is broken while it is on, and is switched over HTTP
while everything runs. One mechanism strikes for all of them; nobody else asks which faults there are."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, select, update

from labs.services.chassis.database import Database
from labs.services.outside.store import Switch

LATENCY = {"payments": 0.05, "carrier": 0.05, "sms": 0.03, "push": 0.02, "pager": 0.01, "smtp": 0.01}
"""Seconds that each gateway takes for a request when nothing is wrong with it."""
DECLINES, MISSES_A_LINE, SHIPS_NOTHING = "declines", "misses a line", "ships nothing"
"""Twists: what a gateway does differently, in words that its own code knows."""
FOREVER = 60.0
"""Seconds; longer than anybody waits."""


@dataclass(frozen=True)
class Fault:
    """What is broken at one gateway while it is on."""

    gateway: str
    description: str
    before: float = 0.0  # seconds before it does anything
    after: float = 0.0  # seconds between doing it and answering
    status: int = 0  # answers this instead of doing anything
    silent: bool = False  # does it, then closes the connection without an answer
    twist: str = ""  # does it differently
    every: int = 1  # every n-th request only

    @property
    def seconds(self) -> float:
        """Its delay, wherever it is."""
        return self.before or self.after


@dataclass(frozen=True)
class Effect:
    """What one request meets: all faults of its gateway together."""

    before: float = 0.0
    after: float = 0.0
    status: int = 0
    silent: bool = False
    twists: frozenset[str] = frozenset()


def _of_any(gateway: str, request: str) -> dict[str, Fault]:
    """What can go wrong with every gateway that is asked over HTTP."""
    return {
        f"{gateway}_slow": Fault(gateway, f"every {request} takes 3 s longer", before=3),
        f"{gateway}_500": Fault(gateway, f"every {request} is answered with 500, and nothing is done", status=500),
        f"{gateway}_busy": Fault(gateway, f"every {request} is answered with 503, come again", status=503),
        f"{gateway}_timeout_after": Fault(
            gateway, f"every {request} is done, and the answer comes when nobody waits any more", after=FOREVER
        ),
        f"{gateway}_drops_every_3rd": Fault(
            gateway, f"every 3rd {request} is done, and the connection closed without an answer", silent=True, every=3
        ),
    }


FAULTS = {
    **_of_any("payments", "charge or refund"),
    "payments_declines": Fault("payments", "every card is declined", twist=DECLINES),
    **_of_any("carrier", "shipment"),
    "carrier_misses_a_line": Fault(
        "carrier",
        "the last line of every order is not found (of an order with one line: nothing is)",
        twist=MISSES_A_LINE,
    ),
    "carrier_ships_nothing": Fault("carrier", "no line of any order is found", twist=SHIPS_NOTHING),
    **_of_any("sms", "text message"),
    "sms_refuses": Fault("sms", "every number is unknown: refused with 422 for good", status=422),
    **_of_any("push", "push notification"),
    "push_refuses": Fault("push", "every device is unknown: refused with 422 for good", status=422),
    **_of_any("pager", "notification"),
    "smtp_slow": Fault("smtp", "every mail takes 3 s longer", before=3),
    "smtp_refuses_for_now": Fault("smtp", "every mail is answered with 451, come again", status=451),
    "smtp_refuses": Fault("smtp", "every mail is answered with 550, for good", status=550),
    "smtp_timeout_after": Fault(
        "smtp", "every mail is kept, and the answer comes when nobody waits any more", after=FOREVER
    ),
    "smtp_drops": Fault("smtp", "every mail is kept, and the connection closed without an answer", silent=True),
}


class Switches:
    """Which faults are on: in the database, so that all threads and the next process know it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def turn_on(self, name: str, seconds: float | None = None, every: int | None = None) -> None:
        """With its own delay and rate where none are given. Its count of requests starts anew."""
        fault = FAULTS[name]
        new = Switch(
            name=name,
            seconds=fault.seconds if seconds is None else seconds,
            every=every or fault.every,
            requests=0,
        )
        with self._db.transaction() as tx:
            tx.merge(new)

    def turn_off(self, names: Iterable[str]) -> None:
        """Everything is as it should be again, whether or not these were on."""
        with self._db.transaction() as tx:
            tx.execute(delete(Switch).where(Switch.name.in_(list(names))))

    def on(self) -> dict[str, Switch]:
        """Those that are on, by name."""
        with self._db.reading() as session:
            return {switch.name: switch for switch in session.scalars(select(Switch))}

    def strike(self, gateway: str) -> Effect:
        """What a request that comes to this gateway now meets. It is counted."""
        names = [name for name, fault in FAULTS.items() if fault.gateway == gateway]
        with self._db.reading() as session:
            if session.scalar(select(Switch.name).where(Switch.name.in_(names)).limit(1)) is None:
                return Effect()
        counting = update(Switch).where(Switch.name.in_(names)).values(requests=Switch.requests + 1)
        with self._db.transaction() as tx:
            met = tx.execute(counting.returning(Switch.name, Switch.seconds, Switch.every, Switch.requests)).all()
        return _together([(FAULTS[name], seconds) for name, seconds, every, nth in met if nth % every == 0])


def _together(struck: list[tuple[Fault, float]]) -> Effect:
    return Effect(
        before=sum(seconds for fault, seconds in struck if fault.before),
        after=sum(seconds for fault, seconds in struck if fault.after),
        status=next((fault.status for fault, _ in struck if fault.status), 0),
        silent=any(fault.silent for fault, _ in struck),
        twists=frozenset(fault.twist for fault, _ in struck if fault.twist),
    )
