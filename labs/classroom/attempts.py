"""What a learner's cell is: not attempted yet, or code that should run."""

import ast


def not_attempted(source: str) -> bool:
    """Whether a `...` still stands where something is to be written: as a statement, or as the value of a name."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    return any(
        isinstance(node, ast.Expr | ast.Assign | ast.Return) and _is_ellipsis(node.value) for node in ast.walk(tree)
    )


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
