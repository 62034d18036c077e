"""Turns a solution into the notebook that learners open: same cells, same ids, without the answers and the outputs.

Executing the result and storing its outputs is left to execute.py.
"""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

_nbformat: Any = nbformat  # it carries no types
Run = Callable[[NotebookNode, Path], NotebookNode]

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
ANSWER_HERE = "*Write your answer here.*"

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE_INFO = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"}
CELL_METADATA = ("tags", "jupyter", "editable", "deletable")


class MarkerError(ValueError):
    """The markers around a solution do not pair up."""


def release(solution: NotebookNode, name: str = "the notebook") -> NotebookNode:
    """The learner's form of `solution`, which stays as it is. `name` is for the message of MarkerError."""
    notebook = plain(solution)
    for number, cell in enumerate(notebook.cells, 1):
        try:
            cell.source = _without_answer(cell.source, in_code=cell.cell_type == "code")
        except MarkerError as error:
            raise MarkerError(f"{name}, cell {number} (id {cell.get('id', 'none')}): {error}") from None
    return notebook


def plain(notebook: NotebookNode) -> NotebookNode:
    """A copy without outputs, execution counts, and the metadata that differs from machine to machine."""
    notebook = tidied(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def tidied(notebook: NotebookNode) -> NotebookNode:
    """A copy with only the metadata that a lab means: the kernel, the language, and each cell's tags."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata = _nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": LANGUAGE_INFO})
    for cell in notebook.cells:
        cell.metadata = _nbformat.from_dict({key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata})
    return notebook


def write_released(solutions_dir: Path, notebooks_dir: Path, run: Run | None = None) -> list[Path]:
    """Writes the released form of every solution into `notebooks_dir` and says which files these are; see write_one."""
    sources = sorted(solutions_dir.glob("[0-9][0-9]_*.ipynb"))
    return [write_one(source, notebooks_dir / source.name, run) for source in sources]


def write_one(source: Path, target: Path, run: Run | None = None) -> Path:
    """Writes the released form of one solution to `target`.

    With `run` (execute.executed) it carries its outputs; a failure there leaves `target` as it was.
    """
    released = release(read(source), f"{source.parent.name}/{source.name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    return save(run(released, target) if run else released, target)


def read(path: Path) -> NotebookNode:
    """The notebook at `path`, exactly as stored: nothing is upgraded or given ids behind the author's back."""
    notebook: NotebookNode = _nbformat.reads(path.read_text(encoding="utf-8"), as_version=_nbformat.NO_CONVERT)
    return notebook


def save(notebook: NotebookNode, path: Path) -> Path:
    """Writes `notebook` whole or not at all, the same bytes for the same content, with a newline at the end."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        half.write_text(_nbformat.writes(notebook).rstrip("\n") + "\n", encoding="utf-8")
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    return path


def _without_answer(source: str, in_code: bool) -> str:
    kept: list[str] = []
    opened_at = 0
    for number, line in enumerate(source.splitlines(), 1):
        marker = line.strip()
        if marker == BEGIN:
            if opened_at:
                raise MarkerError(f"line {number} opens a solution inside the one that line {opened_at} opened")
            opened_at = number
            indent = line[: len(line) - len(line.lstrip())]
            if not (in_code and kept and _is_stub(kept[-1])):
                kept.append(indent + ("..." if in_code else ANSWER_HERE))
        elif marker == END:
            if not opened_at:
                raise MarkerError(f"line {number} is {END!r}, and no {BEGIN!r} stands before it")
            opened_at = 0
        elif not opened_at:
            kept.append(line)
    if opened_at:
        raise MarkerError(f"the solution opened in line {opened_at} is never closed; add {END!r} below it")
    return "\n".join(kept)


def _is_stub(line: str) -> bool:
    return line.rstrip().endswith("...") and not line.lstrip().startswith("#")
