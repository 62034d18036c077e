"""A solution becomes the notebook that learners open."""

import copy

import nbformat
import pytest

from labs.classroom.author.release import ANSWER_HERE, MarkerError, plain, read, release, save, write_released
from tests.labs.sample import NAME, cell, sample, write


def released_source(source: str, kind: str = "code") -> str:
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return release(nbformat.v4.new_notebook(cells=[make(source)])).cells[0].source


@pytest.mark.parametrize(
    ("solution", "learner"),
    [
        ("a = 1\n### BEGIN SOLUTION\nb = 2\n### END SOLUTION\nc = 3", "a = 1\n...\nc = 3"),
        ("guess = ...\n### BEGIN SOLUTION\nguess = 20\n### END SOLUTION", "guess = ..."),
        (
            "%%service order/worker.py\nclass Order:\n    def placed(self):\n        ### BEGIN SOLUTION\n"
            "        self.done = True\n        ### END SOLUTION\n",
            "%%service order/worker.py\nclass Order:\n    def placed(self):\n        ...",
        ),
        ("### BEGIN SOLUTION\na\n### END SOLUTION\nx\n### BEGIN SOLUTION\nb\n### END SOLUTION", "...\nx\n..."),
        ("def f():\n    # and now ...\n    ### BEGIN SOLUTION\n    go()\n    ### END SOLUTION", None),
        ("nothing to hide\n\n", "nothing to hide\n"),
    ],
    ids=["a block", "after a stub", "in a service, indented", "two blocks", "a comment is no stub", "no markers"],
)
def test_the_answer_gives_way_to_a_stub(solution, learner):
    if learner is None:
        learner = "def f():\n    # and now ...\n    ..."
    assert released_source(solution) == learner


def test_an_answer_in_prose_gives_way_to_an_invitation():
    assert (
        released_source("Why?\n\n### BEGIN SOLUTION\nBecause.\n### END SOLUTION", "markdown")
        == f"Why?\n\n{ANSWER_HERE}"
    )


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("### BEGIN SOLUTION\nx", "the solution opened in line 1 is never closed"),
        ("x\n### END SOLUTION", "line 2 is '### END SOLUTION', and no"),
        (
            "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
            "line 2 opens a solution inside the one that line 1",
        ),
    ],
)
def test_markers_that_do_not_pair_up_are_named_with_their_notebook_and_cell(source, says):
    notebook = sample()
    cell(notebook, "answer").source = source
    with pytest.raises(MarkerError) as error:
        release(notebook, "solutions/06_a_small_lab.ipynb")
    assert str(error.value).startswith("solutions/06_a_small_lab.ipynb, cell 5 (id answer): ")
    assert says in str(error.value)


def test_ids_stay_and_outputs_counts_and_foreign_metadata_go():
    solution = sample()
    solution.metadata = nbformat.from_dict({"language_info": {"name": "python", "version": "3.11.7"}, "widgets": {}})
    cell(solution, "scale").metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
    before = copy.deepcopy(solution)

    learner = release(solution)

    assert [each.id for each in learner.cells] == [each.id for each in solution.cells]
    assert all(
        each.outputs == [] and each.execution_count is None for each in learner.cells if each.cell_type == "code"
    )
    assert set(learner.metadata) == {"kernelspec", "language_info"}
    assert "version" not in learner.metadata.language_info
    assert cell(learner, "scale").metadata == {"tags": ["parameters"]}
    assert solution == before, "release() changed its argument"


def test_releasing_twice_changes_nothing_more():
    once = release(sample())
    assert release(once) == once
    assert plain(once) == once


def test_a_folder_of_solutions_becomes_a_folder_of_notebooks_with_the_same_bytes_each_time(tmp_path):
    write(tmp_path / "solutions")
    write(tmp_path / "solutions", name="draft.ipynb")

    [written] = write_released(tmp_path / "solutions", tmp_path / "notebooks")
    first = written.read_bytes()
    write_released(tmp_path / "solutions", tmp_path / "notebooks")

    assert written == tmp_path / "notebooks" / NAME
    assert written.read_bytes() == first
    assert first.endswith(b"}\n")
    assert [path.name for path in (tmp_path / "notebooks").iterdir()] == [NAME]


def test_a_failed_run_leaves_the_old_notebook(tmp_path):
    write(tmp_path / "solutions")
    [written] = write_released(tmp_path / "solutions", tmp_path / "notebooks")
    before = written.read_bytes()

    def fails(*_):
        raise RuntimeError("the run failed")

    with pytest.raises(RuntimeError, match="the run failed"):
        write_released(tmp_path / "solutions", tmp_path / "notebooks", fails)
    assert written.read_bytes() == before


def test_saving_is_whole_or_not_at_all(tmp_path):
    path = save(sample(), tmp_path / NAME)
    before = path.read_bytes()
    broken = sample()
    broken.cells[0].source = object()
    with pytest.raises(TypeError):
        save(broken, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert read(path).cells[0].source == sample().cells[0].source
