"""Small notebooks for the tests of the author's tools: one that keeps every rule, and ways to break it."""

from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labs.classroom.author.release import save

NAME = "06_a_small_lab.ipynb"

OPENING = """# A small lab

**Question.** Does one and one make two?

**You will be able to** add.

**Needs.** Nothing.

**Time.** 5 minutes.

**Memory.** 50 MB."""

HINTS = """## Add

```mermaid
graph LR
  one --> two
```

![Two apples beside one another](apples.png)

<details><summary>Hint 1</summary>What does one more than one make?</details>
<details><summary>Hint 2</summary>It is the number of your hands.</details>"""

CLOSING = """## What you saw

One and one made two.

## Where the real world differs

It counts in more than one way.

## Next

07."""

STAND_IN = """class Lab:
    def check(self, name):
        print(f"{name}: " + ("not attempted" if answer is ... else "passed"))
lab = Lab()"""


def sample() -> NotebookNode:
    """A solution that keeps every rule; its outputs are those of a run."""
    cells = [
        new_markdown_cell(OPENING, id="opening"),
        new_code_cell('SCALE = "ci"', id="scale", metadata={"tags": ["parameters"]}),
        new_code_cell(STAND_IN, id="setup", metadata={"tags": ["plumbing"]}),
        new_markdown_cell(HINTS, id="exercise"),
        new_code_cell("answer = ...\n### BEGIN SOLUTION\nanswer = 2\n### END SOLUTION", id="answer"),
        new_code_cell('lab.check("add")', id="check", outputs=[printed("add: passed\n")]),
        new_markdown_cell(CLOSING, id="closing"),
    ]
    for count, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), 1):
        cell.execution_count = count
    return new_notebook(cells=cells)


def printed(text: str) -> NotebookNode:
    """An output as print() leaves it."""
    return new_output("stream", name="stdout", text=text)


def cell(notebook: NotebookNode, cell_id: str) -> NotebookNode:
    """The cell with this id."""
    return next(each for each in notebook.cells if each.id == cell_id)


def write(folder: Path, notebook: NotebookNode | None = None, name: str = NAME) -> Path:
    """Puts a notebook, by default the sample, into `folder` and says where."""
    folder.mkdir(parents=True, exist_ok=True)
    return save(notebook or sample(), folder / name)
