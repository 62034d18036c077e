"""`pytest --nbval` as set up here: strict, except for pixels inside HTML and numbers marked as measured."""

import os
import re
import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from labs.classroom.author.execute import execute
from labs.classroom.author.release import read, save
from labs.infra.home import PROJECT
from tests.ground import SERVED

FIGURE = """from IPython.display import HTML, display
display(HTML('<img alt="A bar" src="data:image/png;base64,iVBORw0KGgo=">'))"""

MEASURED = """from IPython.display import HTML, display
display(HTML("slowdown: <data class='measured'>0.123</data> (at most 2: holds), orders: <data>50</data>"))"""


def html(old, new):
    def change(outputs):
        text = outputs[0].data["text/html"]
        assert old in text
        outputs[0].data["text/html"] = text.replace(old, new)

    return change


# What the cell is, what happens to its stored outputs before nbval compares, and whether nbval may pass it.
CELLS = {
    "the same": ("print('50 of 50')", None, True),
    "a number": ("print('50 of 50')", lambda outputs: outputs[0].update(text="49 of 50\n"), False),
    "a value": ("1 + 1", lambda outputs: outputs[0].data.update({"text/plain": "3"}), False),
    "a warning": ("import sys; print('why', file=sys.stderr)", lambda outputs: outputs.clear(), False),
    "an output that is gone": ("pass", lambda outputs: outputs.append(new_output("stream", text="gone")), False),
    "an alt text": (FIGURE, html("A bar", "A dot"), False),
    "the pixels": (FIGURE, html("iVBORw0KGgo=", "R0lGODlhAQABAIA+/w=="), True),
    "a measured number": (MEASURED, html("0.123", "0.125"), True),
    "its verdict": (MEASURED, html("holds", "does not hold"), False),
    "a count": (MEASURED, html("<data>50", "<data>49"), False),
    "the interpreter": ("import sys; print(sys.executable)", None, True),
    "the home": (
        "import os; print(os.environ['LAB_HOME'])",
        lambda outputs: outputs[0].update(text="/the/home/of/this/session\n"),
        True,
    ),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Whether nbval passed each cell, by its name."""
    path = tmp_path_factory.mktemp("solutions") / "06_a_small_lab.ipynb"
    cells = [new_code_cell(source, id=name.replace(" ", "-")) for name, (source, _, _) in CELLS.items()]
    notebook = read(execute(save(new_notebook(cells=cells), path)))
    for cell, (_, change, _) in zip(notebook.cells, CELLS.values(), strict=True):
        if change:
            change(cell.outputs)
    save(notebook, path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-c", "pyproject.toml", "--rootdir=.", "-rA", str(path)],
        cwd=PROJECT,
        env={**os.environ, SERVED: "1", "LAB_HOME": "/the/home/of/this/session"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = re.findall(r"^(PASSED|FAILED) .*::Cell (\d+)", done.stdout, re.MULTILINE)
    assert len(said) == len(CELLS), done.stdout + done.stderr
    return {list(CELLS)[int(number)]: word == "PASSED" for word, number in said}


@pytest.mark.parametrize("name", CELLS)
def test_nbval_sees_every_difference_but_pixels_and_measurements(outcomes, name):
    assert outcomes[name] is CELLS[name][2]
