"""What a learner's cell is: not attempted yet, or code that should run."""

import ast


def not_attempted(source: str) -> bool:
    """Whether a `...` still stands where something is to be written: as a statement, as what a function returns, or as the
    last value that a name is given."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.Return) and _is_ellipsis(node.value):
            return True
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and _unset_names(node.body):
            return True
    return False


def _unset_names(body: list[ast.stmt]) -> set[str]:
    """The names whose last assignment in a block is `...`."""
    unset: set[str] = set()
    for statement in body:
        if isinstance(statement, ast.Assign):
            names = {target.id for target in statement.targets if isinstance(target, ast.Name)}
            unset = unset | names if _is_ellipsis(statement.value) else unset - names
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
