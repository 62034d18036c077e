"""A figure that the project states, and places to measure it in."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labs.infra.home import home

MB = 2**20
"""As `lab ps` counts."""


@dataclass(frozen=True)
class Figure:
    """A measured value and, if the project promises one, the bound that it keeps."""

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it keeps its bounds."""
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    @property
    def bounded(self) -> bool:
        """Whether it has one."""
        return self.at_most is not None or self.at_least is not None

    @property
    def limit(self) -> str:
        """The bounds in words."""
        bounds = [("≤", self.at_most), ("≥", self.at_least)]
        return ", ".join(f"{sign} {bound:g} {self.unit}".strip() for sign, bound in bounds if bound is not None)


@contextmanager
def own_home() -> Iterator[None]:
    """A LAB_HOME with nothing in it but the programs, gone afterwards."""
    before, programs = os.environ.get("LAB_HOME"), home() / "programs"
    place = Path(tempfile.mkdtemp(prefix="lab-bench-"))
    (place / "programs").symlink_to(programs)
    os.environ["LAB_HOME"] = str(place)
    try:
        yield
    finally:
        os.environ.pop("LAB_HOME") if before is None else os.environ.update(LAB_HOME=before)
        shutil.rmtree(place, ignore_errors=True)
