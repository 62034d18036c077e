"""The rules that every lab keeps, as data: a name, and a function that finds what breaks it.

Three groups: code_rules (what is typed), output_rules (what is stored), prose_rules (what is read). To add one, write a
function `(notebook, file name) -> (cell number, message)...` in one of them and put it into its table.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from labs.classroom.author import code_rules, output_rules, prose_rules
from labs.classroom.author.release import read

Rule = Callable[[NotebookNode, str], Iterator[tuple[int, str]]]

RULES: dict[str, Rule] = {**code_rules.RULES, **output_rules.RULES, **prose_rules.RULES}


@dataclass(frozen=True, order=True)
class Finding:
    """One broken rule. `cell` counts from 1 over all cells; 0 means the notebook as a whole."""

    notebook: str
    cell: int
    rule: str
    message: str

    def __str__(self) -> str:
        place = f", cell {self.cell}" if self.cell else ""
        return f"{self.notebook}{place}: {self.message} [{self.rule}]"


def check(notebook: NotebookNode, name: str, without: Iterable[str] = ()) -> list[Finding]:
    """Every broken rule in `notebook`, stored under the file name `name`, in the order of its cells.

    `without` names rules to leave out: `output_rules.RULES` for a notebook that was not executed yet.
    """
    left_out = set(without)
    return sorted(
        Finding(name, cell, rule, message)
        for rule, broken in RULES.items()
        if rule not in left_out
        for cell, message in broken(notebook, Path(name).name)
    )


def check_file(path: Path, without: Iterable[str] = ()) -> list[Finding]:
    """check() for a notebook on disk, named by its folder and file."""
    return check(read(path), f"{path.parent.name}/{path.name}", without)
