"""The notebooks of this repository: learners' in step with their solutions, and all of them within the rules."""

from pathlib import Path

import pytest

from labs.classroom.author.release import plain, read, release
from labs.classroom.author.rules import check_file
from labs.infra.home import PROJECT

SOLUTIONS = sorted((PROJECT / "solutions").glob("*.ipynb"))
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def test_there_is_a_learners_notebook_for_every_solution_and_no_other():
    solutions, notebooks = ({path.name for path in paths} for paths in (SOLUTIONS, NOTEBOOKS))
    assert solutions, "solutions/ is empty"
    assert not solutions - notebooks, "not released yet; run `make notebooks`"
    assert not notebooks - solutions, "these have no solution any more; delete them from notebooks/"


@pytest.mark.parametrize("solution", SOLUTIONS, ids=named)
def test_a_learners_notebook_is_in_step_with_its_solution(solution):
    expected = release(read(solution), named(solution))
    advice = f"notebooks/{solution.name} is out of step with its solution; run `make notebooks`"
    learners = PROJECT / "notebooks" / solution.name
    assert learners.exists(), advice
    stored = read(learners)
    expected_cells = {each.id: each for each in expected.cells}
    stored_cells = {each.id: each for each in plain(stored).cells}

    assert [each.id for each in stored.cells] == [each.id for each in expected.cells], advice
    changed = [cell_id for cell_id, each in expected_cells.items() if stored_cells[cell_id] != each]
    assert not changed, f"{advice} (cells {', '.join(changed)})"
    assert stored.metadata == expected.metadata, f"{advice} (its metadata)"
    assert [each.metadata for each in stored.cells] == [each.metadata for each in expected.cells], advice


@pytest.mark.parametrize("path", SOLUTIONS + NOTEBOOKS, ids=named)
def test_a_notebook_keeps_the_rules(path):
    found = check_file(path)
    assert not found, "\n" + "\n".join(map(str, found))
