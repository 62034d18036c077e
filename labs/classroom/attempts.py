"""What a learner's cell is: not attempted yet, or code that should run."""

import ast
from dataclasses import dataclass


@dataclass
class Attempt:
    """What became of the last cell for a file: `status` is open (not attempted), running, stored (nothing runs it now) or
    broken; `trouble` says why it is broken, or where it is still open."""

    status: str = "open"
    trouble: str = ""


def not_attempted(source: str) -> int:
    """The line in which a `...` still stands where something is to be written: as a statement, as what a function returns, or
    as the last value that a name is given. 0 if there is none."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return 0
    lines: list[int] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.Return) and _is_ellipsis(node.value):
            lines.append(node.lineno)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            lines += _unset_names(node.body).values()
    return min(lines, default=0)


def _unset_names(body: list[ast.stmt]) -> dict[str, int]:
    """The names whose last assignment in a block is `...`, with its line."""
    unset: dict[str, int] = {}
    for statement in body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name) and _is_ellipsis(statement.value):
                    unset[target.id] = statement.lineno
                elif isinstance(target, ast.Name):
                    unset.pop(target.id, None)
    return unset


def _is_ellipsis(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def syntax_error(source: str, path: str) -> str:
    """Empty if the source compiles, else where and why not, with the line."""
    try:
        compile(source, path, "exec")
    except SyntaxError as error:
        line = (error.text or "").rstrip()
        return f"{path}, line {error.lineno}: {error.msg}\n    {line.strip()}"
    return ""
