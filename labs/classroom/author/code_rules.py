"""Rules about what is typed into code cells."""

import ast
import io
import tokenize
from collections.abc import Callable, Iterator

from nbformat import NotebookNode

from labs.classroom.author.python_cells import called, calls, code_cells, python_parts, tags
from labs.classroom.author.release import MarkerError, release
from labs.classroom.author.statistics import MEDIAN_BOUND, P90_BOUND, code_lines, median, p90

Broken = Iterator[tuple[int, str]]

PARAMETERS = 'SCALE = "ci"'
SHELL = {"get_ipython().system", "get_ipython().getoutput"}
SHELL_MAGICS = {"!", "bash", "perl", "ruby", "script", "sh", "sx", "system", "zsh"}
BANNED_MAGICS = {
    **dict.fromkeys(SHELL_MAGICS, "runs a shell, which differs between systems and whose failure goes unseen"),
    "writefile": "prints another line the second time it runs; `%%service` puts service code in place",
    "file": "prints another line the second time it runs; `%%service` puts service code in place",
    "capture": "hides what happens; print the conclusion instead",
}
FIGURE_CALLS = ("lab.show", "lab.figure", "plt.show")


def shell(notebook: NotebookNode, _: str) -> Broken:
    for number, cell in code_cells(notebook):
        if any(called(call) in SHELL for call in calls(cell.source)):
            yield (
                number,
                "`!command` runs a shell and goes on when it fails; call the lab or subprocess.run(check=True)",
            )


def magics(notebook: NotebookNode, _: str) -> Broken:
    for number, cell in code_cells(notebook):
        for call in calls(cell.source):
            if called(call) in ("get_ipython().run_cell_magic", "get_ipython().run_line_magic"):
                name = ast.literal_eval(call.args[0])
                if name in BANNED_MAGICS:
                    sign = "%%" if called(call).endswith("cell_magic") else "%"
                    yield number, f"`{sign}{name}` {BANNED_MAGICS[name]}"


def semicolon(notebook: NotebookNode, _: str) -> Broken:
    for number, cell in code_cells(notebook):
        if any(_ends_in_semicolon(part) for part in python_parts(cell.source)):
            yield (
                number,
                "a line ends with `;`, which hides the value from you but not from nbval; assign it or show it",
            )


def length(notebook: NotebookNode, name: str) -> Broken:
    try:
        lines = code_lines(release(notebook, name))
    except MarkerError:
        return  # the rule `markers` says so
    if median(lines) > MEDIAN_BOUND:
        yield (
            0,
            f"the median code cell has {median(lines):g} lines, the bound is {MEDIAN_BOUND}; split the long ones",
        )
    if p90(lines) > P90_BOUND:
        longest = ", ".join(
            f"cell {number}: {count}"
            for (number, _), count in zip(code_cells(notebook), lines, strict=True)
            if count > P90_BOUND
        )
        yield 0, f"one code cell in ten has {p90(lines)} lines or more; the bound is {P90_BOUND} ({longest})"


def markers(notebook: NotebookNode, name: str) -> Broken:
    try:
        release(notebook, name)
    except MarkerError as error:
        yield 0, str(error)


def parameters(notebook: NotebookNode, _: str) -> Broken:
    tagged = [(number, cell) for number, cell in enumerate(notebook.cells, 1) if "parameters" in tags(cell)]
    if len(tagged) != 1:
        yield 0, f"{len(tagged)} cells are tagged `parameters`; papermill needs exactly one, with `{PARAMETERS}` in it"
    for number, cell in tagged:
        if cell.cell_type != "code" or cell.source != PARAMETERS:
            yield (
                number,
                f"the parameters cell must be exactly `{PARAMETERS}`, no comment: papermill reads its type from it",
            )


def figures(notebook: NotebookNode, _: str) -> Broken:
    for number, cell in code_cells(notebook):
        for call in calls(cell.source):
            if called(call) not in FIGURE_CALLS:
                continue
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            for word, purpose in (
                ("alt", "what a reader who cannot see it needs"),
                ("finding", "one sentence: what it shows"),
            ):
                if word not in given or _is_blank(given[word]):
                    yield (
                        number,
                        f"`{called(call)}` needs `{word}=` ({purpose}); use `lab.show(figure, alt=..., finding=...)`",
                    )


def _is_blank(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and not str(value.value or "").strip()


def _ends_in_semicolon(source: str) -> bool:
    last = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in (tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER):
                if last == ";":
                    return True
                last = ""
            elif token.type != tokenize.COMMENT:
                last = token.string
    except (tokenize.TokenError, SyntaxError):
        return False  # no Python: its execution says so
    return False


RULES: dict[str, Callable[[NotebookNode, str], Broken]] = {
    "no-shell": shell,
    "no-hiding-magic": magics,
    "no-trailing-semicolon": semicolon,
    "cell-length": length,
    "markers": markers,
    "parameters": parameters,
    "figure-words": figures,
}
