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


class Faults:
    """Of one system. Raises Slip for what there is not, or what does not run."""

    def __init__(self, system: System) -> None:
        self._system = system

    def set(self, name: str, value: float | None = None, nth: int | None = None) -> None:
        """Break it, or make it slow, until it is cleared: `lab.faults.set("wire_inventory", 50)`. `value` is in its own unit,
        `nth` has it strike every n-th request only; without them as `lab.faults.table()` says."""
        cards.card("note", f"{name} is {self._set(name, value, nth)}")

    def clear(self, name: str = "") -> None:
        """As it should be; without a name all of them."""
        with _slips():
            were_on = self._board().clear(name)
        cards.card("note", f"cleared: {', '.join(were_on) or 'nothing was on'}")

    @contextmanager
    def on(self, name: str, value: float | None = None, nth: int | None = None) -> Iterator[None]:
        """`with lab.faults.on("wire_inventory", 50):` while the block lasts; then it is as it was before."""
        with _slips():
            before = self._board().look(name)
        try:
            self._set(name, value, nth)
            yield
        finally:
            if self._runs(before.fault.where):  # else nothing can strike any more
                with _slips():
                    self._restore(before)

    def table(self) -> "DataFrame":
        """All faults that can strike in this system: name, description, where, unit, default, and how it is set now."""
        from pandas import DataFrame  # half a second that only a lab with a table should pay

        with _slips():
            switches = self._board().show()
        return DataFrame([{**vars(switch.fault), "now": str(switch)} for switch in switches.values()])

    def _set(self, name: str, value: float | None, nth: int | None) -> Switch:
        with _slips():
            return self._board().set(name, value, nth)

    def _restore(self, before: Switch) -> None:
        name, nth = before.fault.name, before.every if before.every > 1 else None
        if before.on:
            self._board().set(name, before.value if before.fault.unit else None, nth)
        else:
            self._board().clear(name)

    def _board(self) -> Board:
        running = {where: port for where, port in SWITCHES.items() if self._runs(where)}
        return Board({where: self._system.address(where, port) for where, port in running.items()})

    def _runs(self, where: str) -> bool:
        return self._system.state(where) == "running"


class Faulty:
    """What Lab has of it."""

    system: System

    @property
    def faults(self) -> Faults:
        """The faults and delays of this lab's system, to look at, to set and to clear."""
        return Faults(self.system)


@contextmanager
def _slips() -> Iterator[None]:
    try:
        yield
    except FaultError as error:
        raise Slip(str(error)) from None
