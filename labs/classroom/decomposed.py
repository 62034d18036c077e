"""The part of a lab that cuts one path into services, as many as it likes, and merges them again."""

import ast
from functools import cached_property

import requests

from labs.classroom import cards, cutting
from labs.classroom.load import Report
from labs.classroom.merging import Cut, Score
from labs.classroom.order_path import ENTRY, OrderPath, Weight
from labs.classroom.recorded import CUTS
from labs.classroom.references import reference
from labs.classroom.shop import Shop
from labs.classroom.slips import Slip
from labs.classroom.visited import loaded
from labs.infra.start_error import StartError
from labs.infra.system import System

SEED = 13
STEPS, CARRY = f"{ENTRY}/steps.py", f"{ENTRY}/carry.py"
CHANGES, CRITERION = f"{CUTS}/changes.py", f"{CUTS}/criterion.py"


class Decomposed:
    """What Lab has of it. A cut is a list with the steps of each service: [["accept", "combine"], ["limit"], …]."""

    name: str
    system: System
    shop: Shop

    @cached_property
    def path(self) -> OrderPath:
        """The chain of services that an order goes through."""
        return OrderPath(self.system)

    def steps(self) -> dict[str, str]:
        """The steps of the path in their order, each with its source. Raises Slip while there are none."""
        source = self._written(STEPS)
        found = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
        return {function.name: ast.get_source_segment(source, function) or "" for function in found}

    def changes(self) -> dict[str, frozenset[str]]:
        """Each change of cuts/changes.py with the steps that have one of its names in their code, and so are edited for it.
        Raises Slip, and what the file raises."""
        self._written(CHANGES)
        named = loaded(self.system.places.sources / CHANGES).CHANGES
        sources = self.steps()
        return {what: frozenset(cutting.touched({"names": names}, sources)) for what, names in named.items()}

    def criterion(self) -> Score:
        """The function `score` of cuts/criterion.py as it is now. Raises what the file raises."""
        self._fill_in(CRITERION)
        score: Score = loaded(self.system.places.sources / CRITERION).score
        return score

    def arrange(self, cut: Cut) -> None:
        """Run the path as these services, and end those that it ran as before. Raises Slip."""
        self._written(STEPS)
        self._fill_in(CARRY)
        try:
            self.path.arrange(cut)
        except StartError as error:
            raise Slip(str(error)) from None
        cards.card("note", f"the order path runs in {len(cut)} services, one after the other")

    def one_order(self) -> requests.Response:
        """Send one order through the path, whatever the answer."""
        return self.path.send(self.shop)

    def many_orders(self, number: int) -> Report:
        """Send so many orders through the path, a few at a time, each of them once."""
        return self.path.send_many(self.shop, number)

    def weigh(self, orders: int) -> Weight:
        """Send so many orders through the path, one after the other: services, start and cpu in seconds of CPU time, memory in
        megabytes, wait in seconds."""
        return self.path.weigh(self.shop, orders)

    def unreliable(self, share: float) -> None:
        """From now on each service of the path fails this share of what comes to it, by dice that fall the same way in every
        run; 0: none does."""
        self.path.fail(self.shop, share, SEED)
        cards.card("note", f"each service of the path fails {share:.1%} of its requests")

    def _written(self, path: str) -> str:
        file = self.system.places.sources / path
        if not file.exists():
            raise Slip(
                f"There is no {path} yet. Run the cell that begins with `%%service {path}`, then this one again."
            )
        return file.read_text()

    def _fill_in(self, path: str) -> None:
        """A file that a learner's cell should have written, and did not since it does not even compile."""
        file = self.system.places.sources / path
        if not file.exists() and (source := reference(self.name, path)):
            file.write_text(source)
