"""Rules about what is read: name and ids, the fixed opening and closing, hints, alt texts, diagrams."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

from nbformat import NotebookNode

from labs.classroom.author.python_cells import exercises

Broken = Iterator[tuple[int, str]]

FILE_NAME = re.compile(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*\.ipynb")
OPENING = ("**Question.**", "**You will be able to**", "**Needs.**", "**Time.**", "**Memory.**")
CLOSING = ("What you saw", "Where the real world differs", "Next")
HINTS_EACH = 2

HEADING = re.compile(r"^##\s+(.+?)\s*$", re.MULTILINE)
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)
HINT = re.compile(r"<details>\s*<summary>\s*Hint\b[^<]*</summary>\s*(.*?)</details>", re.DOTALL | re.IGNORECASE)
IMAGE = re.compile(r"!\[([^\]]*)\]\(|<img\b([^>]*)>", re.IGNORECASE)
IMG_ALT = re.compile(r"\balt=(\"\s*[^\"\s]|'\s*[^'\s])", re.IGNORECASE)
MERMAID = re.compile(r"^```mermaid[ \t]*\n(.*?)(^```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)


def file_name(_: NotebookNode, name: str) -> Broken:
    if not FILE_NAME.fullmatch(name):
        yield 0, f"the file is called {name!r}; a lab is called like 06_events_with_nameko.ipynb"


def ids(notebook: NotebookNode, _: str) -> Broken:
    counts = Counter(cell.get("id") for cell in notebook.cells)
    for number, cell in enumerate(notebook.cells, 1):
        if not cell.get("id"):
            yield number, "the cell has no id (notebook format 4.5 has one each); open and save it in JupyterLab 4"
        elif counts[cell.id] > 1:
            yield (
                number,
                f"the id {cell.id!r} is used {counts[cell.id]} times; ids tie a learner's notebook to its solution",
            )


def opening(notebook: NotebookNode, _: str) -> Broken:
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not re.match(r"# \S", first.source):
        yield 1, "the first cell must be Markdown and begin with the title, `# ...`"
        return
    places = [first.source.find(label) for label in OPENING]
    if missing := [label for label, place in zip(OPENING, places, strict=True) if place < 0]:
        yield 1, f"the first cell lacks {', '.join(missing)}; it has, in this order: {', '.join(OPENING)}"
    elif places != sorted(places):
        yield 1, f"the heads of the first cell are in another order than {', '.join(OPENING)}"


def closing(notebook: NotebookNode, _: str) -> Broken:
    headings = [heading for _, text in _prose(notebook) for heading in HEADING.findall(FENCE.sub("", text))]
    if tuple(headings[-len(CLOSING) :]) != CLOSING:
        wanted = ", ".join(f"`## {heading}`" for heading in CLOSING)
        yield len(notebook.cells), f"a lab ends with the headings {wanted}, in this order and nothing after"


def hints(notebook: NotebookNode, _: str) -> Broken:
    """Hints stand between the check of the exercise before and the check of their own."""
    before = 0
    for name, number in exercises(notebook).items():
        text = "\n".join(source for place, source in _prose(notebook) if before < place <= number)
        count = sum(1 for hint in HINT.findall(text) if hint.strip())
        if count < HINTS_EACH:
            yield (
                number,
                f"the exercise {name!r} has {count} hints above its check; at least {HINTS_EACH}, each as "
                "<details><summary>Hint 1</summary>...</details>, the first a question, the last nearly the answer",
            )
        before = number


def alt_texts(notebook: NotebookNode, _: str) -> Broken:
    for number, text in _prose(notebook):
        for image in IMAGE.finditer(text):
            has_alt = image[1].strip() if image[1] is not None else IMG_ALT.search(image[2])
            if not has_alt:
                yield number, f"the image `{image[0]}` has no alt text; say what a reader who cannot see it needs"


def mermaid(notebook: NotebookNode, _: str) -> Broken:
    for number, text in _prose(notebook):
        for body, end in MERMAID.findall(text):
            if not body.strip():
                yield number, "a Mermaid diagram without content"
            elif not end:
                yield number, "a Mermaid fence that is never closed; the rest of the cell becomes a broken diagram"


def _prose(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    return ((number, cell.source) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "markdown")


RULES: dict[str, Callable[[NotebookNode, str], Broken]] = {
    "file-name": file_name,
    "ids": ids,
    "opening": opening,
    "closing": closing,
    "hints": hints,
    "alt-text": alt_texts,
    "mermaid": mermaid,
}
