"""`lab.faults`: what goes wrong on purpose in a lab's own system. Whatever is set ends with that system, and so with the
kernel, however that ends; what is set for a block of code ends with the block, however that ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from labs.classroom import cards
from labs.classroom.slips import Slip
from labs.infra.faults import FaultError
from labs.infra.faults.board import SWITCHES, Board, Switch
from labs.infra.system import System

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types


class Fault:
    """One that is on from the moment it is made until `end`, in a `with` until the end of the block; then it is as before."""

    def __init__(self, system: System, name: str, value: float | None, nth: int | None) -> None:
        self._system, self._met = system, 0
        with _slips():
            self._before = _board(system).look(name)
            _board(system).set(name, value, nth)
        self._on = True

    def __enter__(self) -> "Fault":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def met(self) -> int:
        """Requests that have come its way, struck or not; a delay on the wire does not count them."""
        if self._on and self._runs():
            with _slips():
                self._met = _board(self._system).look(self._before.fault.name).met
        return self._met

    def end(self) -> None:
        """As it was before; once is enough."""
        if self._on and self._runs():  # else nothing can strike any more
            try:
                self._met = self.met
            finally:
                with _slips():
                    _restore(_board(self._system), self._before)
        self._on = False

    def _runs(self) -> bool:
        return _runs(self._system, self._before.fault.where)


class Faults:
    """Of one system. Raises Slip for what there is not, or what does not run."""

    def __init__(self, system: System) -> None:
        self._system = system

    def set(self, name: str, value: float | None = None, nth: int | None = None) -> None:
        """Break it, or make it slow, until it is cleared: `lab.faults.set("wire_inventory", 50)`. `value` is in its own unit,
        `nth` has it strike every n-th request only; without them as `lab.faults.table()` says."""
        with _slips():
            switch = _board(self._system).set(name, value, nth)
        cards.card("note", f"{name} is {switch}")

    def clear(self, name: str = "") -> None:
        """As it should be; without a name all of them."""
        with _slips():
            were_on = _board(self._system).clear(name)
        cards.card("note", f"cleared: {', '.join(were_on) or 'nothing was on'}")

    def on(self, name: str, value: float | None = None, nth: int | None = None) -> Fault:
        """`with lab.faults.on("wire_inventory", 50):` while the block lasts; or without a block, until its `end()`."""
        return Fault(self._system, name, value, nth)

    def table(self) -> "DataFrame":
        """All faults that can strike in this system: name, description, where, unit, default, and how it is set now."""
        from pandas import DataFrame  # half a second that only a lab with a table should pay

        with _slips():
            switches = _board(self._system).show()
        return DataFrame([{**vars(switch.fault), "now": str(switch)} for switch in switches.values()])


class Faulty:
    """What Lab has of it."""

    system: System

    @property
    def faults(self) -> Faults:
        """The faults and delays of this lab's system, to look at, to set and to clear."""
        return Faults(self.system)


def _board(system: System) -> Board:
    return Board({where: system.address(where, port) for where, port in SWITCHES.items() if _runs(system, where)})


def _runs(system: System, where: str) -> bool:
    return system.state(where) == "running"


def _restore(board: Board, before: Switch) -> None:
    if before.on:
        value, nth = before.value if before.fault.unit else None, before.every if before.every > 1 else None
        board.set(before.fault.name, value, nth)
    else:
        board.clear(before.fault.name)


@contextmanager
def _slips() -> Iterator[None]:
    try:
        yield
    except FaultError as error:
        raise Slip(str(error)) from None
