"""Counts that say how a lab reads and how much it costs its author: cell lengths, exercises, lines of plumbing."""

import math
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

from nbformat import NotebookNode

from labs.classroom.author.python_cells import code_cells, exercises, tags
from labs.classroom.author.release import read, release

MEDIAN_BOUND, P90_BOUND = 5, 15
PLUMBING_TAGS = {"parameters", "plumbing"}


@dataclass(frozen=True)
class Statistics:
    """One notebook. Lines are lines that are not blank, in the released form; plumbing is what an author types only to
    make the lab run: the cells tagged `parameters` or `plumbing`."""

    notebook: str
    code_cells: int
    median_lines: float
    p90_lines: int
    exercises: int
    plumbing_lines: int

    def as_row(self) -> dict[str, str | int | float]:
        """For a table or a JSON file of benchmarks."""
        return asdict(self)


def of(notebook: NotebookNode, name: str) -> Statistics:
    """The statistics of a solution or a learner's notebook."""
    released = release(notebook, name)
    lines = code_lines(released)
    plumbing = sum(
        count for count, (_, cell) in zip(lines, code_cells(released), strict=True) if PLUMBING_TAGS & set(tags(cell))
    )
    return Statistics(name, len(lines), median(lines), p90(lines), len(exercises(released)), plumbing)


def of_folder(folder: Path) -> list[Statistics]:
    """The statistics of every lab in `folder`, in the order of their numbers."""
    return [of(read(path), path.stem) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]


def code_lines(notebook: NotebookNode) -> list[int]:
    """For each code cell its number of lines that are not blank."""
    return [sum(1 for line in cell.source.splitlines() if line.strip()) for _, cell in code_cells(notebook)]


def median(lines: list[int]) -> float:
    """The median, 0 for no cells."""
    return statistics.median(lines) if lines else 0


def p90(lines: list[int]) -> int:
    """The 90th percentile by nearest rank, so it is a length that a cell really has; 0 for no cells."""
    return sorted(lines)[math.ceil(0.9 * len(lines)) - 1] if lines else 0
