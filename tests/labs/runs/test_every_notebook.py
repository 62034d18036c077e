"""Papermill runs every solution and every notebook as released: the claims hold, the checks say what they should, and
nothing is left running."""

import json
import os
from pathlib import Path

import papermill
import pytest

from labs.classroom.author.python_cells import exercises
from labs.classroom.author.release import read
from labs.infra.home import PROJECT
from tests.labs.processes import belonging_to, left_over

SOLUTIONS = sorted((PROJECT / "solutions").glob("[0-9][0-9]_*.ipynb"))
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
EXPECTED = {"solutions": "passed", "notebooks": "not attempted"}
CELL_SECONDS = 180


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.fixture
def results_folder(request, tmp_path, monkeypatch):
    """Where the lab puts its results file: below $LAB_TEST_RESULTS if the session collects them."""
    collected = Path(os.environ.get("LAB_TEST_RESULTS", tmp_path))
    folder = collected / request.getfixturevalue("notebook").parent.name
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("LAB_RESULTS", str(folder))
    return folder


def test_there_is_something_to_run():
    assert SOLUTIONS
    assert NOTEBOOKS


@pytest.mark.parametrize("notebook", SOLUTIONS + NOTEBOOKS, ids=named)
def test_it_runs_says_the_truth_and_leaves_nothing(notebook, results_folder, tmp_path, ground):
    results_file = results_folder / f"{notebook.stem}.json"
    results_file.unlink(missing_ok=True)
    before = belonging_to(ground.home)

    papermill.execute_notebook(
        str(notebook),
        str(tmp_path / notebook.name),
        cwd=str(notebook.parent),
        execution_timeout=CELL_SECONDS,
        progress_bar=False,
    )

    assert left_over(ground.home, before) == []
    assert results_file.exists(), f"the lab is not called {notebook.stem!r}, or it recorded nothing"
    results = json.loads(results_file.read_text())
    assert (results["lab"], results["scale"]) == (notebook.stem, "ci")
    assert results["exercises"] == dict.fromkeys(exercises(read(notebook)), EXPECTED[notebook.parent.name])
    assert results["findings"], "the lab measured nothing"
    assert [finding for finding in results["findings"] if not finding["holds"]] == []


@pytest.mark.parametrize("notebook", SOLUTIONS + NOTEBOOKS, ids=named)
def test_papermill_sees_the_parameter(notebook):
    assert {name: kind["default"] for name, kind in papermill.inspect_notebook(str(notebook)).items()} == {
        "SCALE": '"ci"'
    }
