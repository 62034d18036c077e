"""Notebooks are executed by a real kernel, and the stored file says the same every time."""

import sys

import pytest

from labs.classroom.author.execute import NotebookFailed, execute, executed
from labs.classroom.author.release import read, write_released
from labs.classroom.author.rules import check_file
from tests.labs.sample import cell, sample, write


@pytest.fixture(scope="module")
def run_twice(tmp_path_factory):
    """The sample's stored file after one run and after two."""
    path = write(tmp_path_factory.mktemp("a folder with spaces") / "solutions")
    return execute(path).read_bytes(), execute(path).read_bytes(), path


def test_the_same_outputs_make_the_same_bytes(run_twice):
    once, twice, _ = run_twice
    assert once == twice
    assert once.endswith(b"}\n")


def test_the_outputs_and_counts_are_those_of_the_run(run_twice):
    _, _, path = run_twice
    notebook = read(path)
    assert cell(notebook, "check").outputs[0].text == "add: passed\n"
    assert [each.execution_count for each in notebook.cells if each.cell_type == "code"] == [1, 2, 3, 4]
    assert "version" not in notebook.metadata.language_info


def test_an_executed_solution_keeps_every_rule(run_twice):
    _, _, path = run_twice
    assert check_file(path) == []


def test_the_released_form_runs_unattempted_and_keeps_every_rule(tmp_path):
    write(tmp_path / "solutions")
    [path] = write_released(tmp_path / "solutions", tmp_path / "notebooks", executed)
    assert cell(read(path), "check").outputs[0].text == "add: not attempted\n"
    assert check_file(path) == []


def test_the_kernel_is_this_interpreter_with_this_environment_in_the_notebooks_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    notebook = sample()
    cell(
        notebook, "answer"
    ).source = (
        "import os, sys\nprint(sys.executable, os.environ['LAB_HOME'], os.environ['EXTRA'], os.getcwd(), sep='\\n')"
    )
    cell(notebook, "check").source = "answer = 2"
    path = write(tmp_path / "solutions", notebook)

    execute(path, {"EXTRA": "more"})

    said = cell(read(path), "answer").outputs[0].text.splitlines()
    assert said == [sys.executable, str(tmp_path / "home"), "more", str(tmp_path / "solutions")]


def test_output_in_pieces_is_stored_as_one(tmp_path):
    notebook = sample()
    cell(notebook, "answer").source = "for n in range(50): print(n, flush=True)\nanswer = 2"
    path = execute(write(tmp_path, notebook))
    assert len(cell(read(path), "answer").outputs) == 1


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("print('so far', 'so good')\n1 / 0", ["so far so good", "ZeroDivisionError: division by zero"]),
        ("import time\nwhile True: time.sleep(0.1)", ["It took longer than 3 s"]),
        ("import os\nos.write(2, b'last words\\n')\nos.abort()", ["The kernel died"]),
    ],
    ids=["raises", "hangs", "kills its kernel"],
)
def test_a_failure_names_notebook_and_cell_and_changes_nothing(tmp_path, source, says):
    notebook = sample()
    cell(notebook, "answer").source = source
    path = write(tmp_path / "solutions", notebook)
    before = path.read_bytes()

    with pytest.raises(NotebookFailed) as error:
        execute(path, cell_seconds=3)

    message = str(error.value)
    assert message.startswith("solutions/06_a_small_lab.ipynb: cell 5 (id answer) failed.")
    assert all(part in message for part in says), message
    assert "\x1b[" not in message
    assert path.read_bytes() == before
