"""Rules about stored outputs: every cell ran, in order, without error, and nothing changes from run to run."""

import re
from collections.abc import Callable, Iterator

from nbformat import NotebookNode

from labs.classroom.author.python_cells import called, calls, code_cells

Broken = Iterator[tuple[int, str]]

EMBEDDED_IMAGE = re.compile(r"data:image/[^\"')\s]+")
BARE_IMAGE = re.compile(r"<img\b(?![^>]*\balt=(\"\s*[^\"\s]|'\s*[^'\s]))[^>]*>", re.IGNORECASE)
PORT = "the port changes with every run; print the service's name"
PATH = "this path exists on one machine only; print it relative to the lab"
OF_THIS_RUN = {
    re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):\d+"): PORT,
    re.compile(r"(?<![\w.])/(home|work|tmp|root|Users|private|var/folders)/"): PATH,
    re.compile(r"\bpid\b\W{0,3}\d+", re.IGNORECASE): "the process id changes with every run; print the service's name",
    re.compile(r"\b0x[0-9a-f]{8,}\b"): "the memory address changes with every run; print what the object says",
}
FAILED = "✗"
"""How a card begins that says that something failed, is missing, or does not hold."""
DURATION = re.compile(r"(?<![\w.])\d+(\.\d+)? ?(ms|seconds)\b")


def executed(notebook: NotebookNode, _: str) -> Broken:
    for expected, (number, cell) in enumerate(code_cells(notebook), 1):
        count = cell.get("execution_count")
        if not cell.source.strip():
            yield number, "the cell is empty, so nothing runs and nothing is compared; delete it or write `...`"
        elif count is None:
            yield number, "the cell was not executed: nbval compares nothing here. Run `make solutions notebooks`"
        elif count != expected:
            yield number, f"executed as number {count}, not {expected}: out of order. Run `make solutions notebooks`"


def errors(notebook: NotebookNode, _: str) -> Broken:
    for number, output in _outputs(notebook):
        if output.output_type == "error":
            yield (
                number,
                f"the stored output is an error ({output.ename}: {output.evalue}); catch the expected ones and say so",
            )


def of_this_run(notebook: NotebookNode, _: str) -> Broken:
    for number, output in _outputs(notebook):
        for pattern, advice in OF_THIS_RUN.items():
            if found := pattern.search(_text(output)):
                yield number, f"the output says {found[0]!r}: {advice}"


def durations(notebook: NotebookNode, _: str) -> Broken:
    for number, output in _outputs(notebook):
        if output.output_type == "stream" and (found := DURATION.search(output.text)):
            yield (
                number,
                f"the output says {found[0]!r}, another next time; print a ratio or a conclusion against a bound",
            )


def images(notebook: NotebookNode, _: str) -> Broken:
    for number, output in _outputs(notebook):
        data = output.get("data", {})
        if any(kind.startswith("image/") for kind in data):
            yield number, "an image without alt text; show it by `lab.show(figure, alt=..., finding=...)`"
        if BARE_IMAGE.search(_joined(data.get("text/html", ""))):
            yield number, "an <img> without alt text; say in `alt` what a reader who cannot see it needs"


def checks_speak(notebook: NotebookNode, _: str) -> Broken:
    for number, cell in code_cells(notebook):
        if not cell.outputs and any(called(call) == "lab.check" for call in calls(cell.source)):
            yield number, "`lab.check` left no output, so nobody sees the result; let it be the cell's own statement"


def holds(notebook: NotebookNode, _: str) -> Broken:
    """What is stored is what every later run is compared with: a lab in which something failed would prove that it fails."""
    for number, output in _outputs(notebook):
        if FAILED in _text(output):
            line = next(line for line in _text(output).splitlines() if FAILED in line)
            yield number, f"the output says {line[:80]!r}: mend the lab or the machine, then `make solutions notebooks`"


def _outputs(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    return ((number, output) for number, cell in code_cells(notebook) for output in cell.outputs)


def _text(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return _joined(output.text)
    texts = [_joined(value) for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return EMBEDDED_IMAGE.sub("", "\n".join(texts))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


RULES: dict[str, Callable[[NotebookNode, str], Broken]] = {
    "executed": executed,
    "no-error-output": errors,
    "no-trace-of-this-run": of_this_run,
    "no-duration": durations,
    "output-image-alt": images,
    "check-speaks": checks_speak,
    "all-is-well": holds,
}
