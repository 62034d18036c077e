"""The Python inside a code cell: what IPython makes of its magics, and the service code below a `%%service` line."""

import ast
from collections.abc import Iterator
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

SERVICE = "%%service"


def code_cells(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Each code cell with its number, counted from 1 over all cells."""
    return ((number, cell) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code")


def tags(cell: NotebookNode) -> list[str]:
    """The cell's tags."""
    return list(cell.metadata.get("tags", []))


def python_parts(source: str) -> list[str]:
    """The cell as plain Python, magics as calls of get_ipython(); the body of `%%service` is a part of its own."""
    manager: Any = TransformerManager
    parts = [manager().transform_cell(source)]
    first, _, body = source.lstrip("\n").partition("\n")
    if first.startswith(SERVICE):
        parts.append(manager().transform_cell(body))
    return parts


def calls(source: str) -> list[ast.Call]:
    """Every call in the cell. A part that is no valid Python has none: its execution says so, and better."""
    return [node for part in python_parts(source) for node in ast.walk(_tree(part)) if isinstance(node, ast.Call)]


def called(call: ast.Call) -> str:
    """What is called, as far as it is written as a name: `lab.check`, `get_ipython().system`."""
    return ast.unparse(call.func)


def exercises(notebook: NotebookNode) -> dict[str, int]:
    """The exercises, by the name that `lab.check` is given, with the number of the cell that first checks each."""
    found: dict[str, int] = {}
    for number, cell in code_cells(notebook):
        for call in calls(cell.source):
            if called(call) == "lab.check" and call.args:
                name = call.args[0].value if isinstance(call.args[0], ast.Constant) else ast.unparse(call.args[0])
                found.setdefault(str(name), number)
    return found


def _tree(part: str) -> ast.AST:
    try:
        return ast.parse(part)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])
