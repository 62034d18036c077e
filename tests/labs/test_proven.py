"""What lab 17 does with a lab's code and its tests, without a system: edits, a picture, and pytest's results."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labs.classroom import matrix, proven
from labs.classroom.checks import lab17_gates as gates
from labs.classroom.proving.commits import COMMITS, VERSIONS
from labs.classroom.slips import Slip
from labs.classroom.workshop import Workshop
from labs.infra.home import PROJECT


@pytest.fixture
def system(tmp_path: Path) -> Any:
    """As much of a system as edits need: its copy of the shop's code."""
    shutil.copytree(PROJECT / "labs/services", tmp_path / "labs/services", ignore=shutil.ignore_patterns("__pycache__"))
    return SimpleNamespace(places=SimpleNamespace(sources=tmp_path / "labs/services"), directory=tmp_path)


def source(system: Any, path: str) -> str:
    """A file of the copy."""
    return (system.places.sources / path).read_text()


@pytest.mark.parametrize("edits", [*COMMITS.values(), VERSIONS], ids=[*COMMITS, "versions"])
def test_each_commit_fits_the_shop_as_it_is_and_can_be_taken_back(system, edits):
    before = {path: source(system, path) for path, _, _ in edits}
    assert not proven.made(system, edits)
    assert proven.edited(system, edits) == before
    assert proven.made(system, edits)
    for path in before:
        compile(source(system, path), path, "exec")
    if all(new for _, _, new in edits):
        proven.edited(system, [(path, new, old) for path, old, new in reversed(edits)])
        assert {path: source(system, path) for path in before} == before


def test_an_edit_that_does_not_fit_changes_nothing(system):
    path = "order/events.py"
    before = source(system, path)
    with pytest.raises(Slip, match="is not as this change expects it"):
        proven.edited(system, [(path, "class Line(BaseModel)", "class Piece(BaseModel)"), (path, "no such line", "")])
    assert source(system, path) == before


def ran(folder: Path, file: str) -> "subprocess.CompletedProcess[str]":
    """What is copied into a lab to run its tests, on a file of this folder, in a process of its own."""
    script = f"from labs.classroom.proving import run; run.HERE = run.Path({str(folder)!r}); "
    script += f"run.Path({str(folder / 'result.json')!r}).write_text(run.json.dumps(run.found({file!r})))"
    return subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_pytest_says_what_became_of_each_test(tmp_path):
    (tmp_path / "test_small.py").write_text(
        "class Broken(AssertionError): pass\n"
        "def test_good(): pass\n"
        "def test_bad(): assert 1 == 2\n"
        "def test_broken(): raise Broken('it lacks tea; it lacks a cup')\n"
    )
    done = ran(tmp_path, "test_small.py")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "result.json").read_text())
    assert found["test_small.py::test_good"] == ""
    assert "1 == 2" in found["test_small.py::test_bad"]
    assert found["test_small.py::test_broken"] == "it lacks tea; it lacks a cup"


def test_a_file_that_cannot_be_read_is_a_result_too(tmp_path):
    (tmp_path / "test_unread.py").write_text("import not_a_module_of_anybody\n")
    assert ran(tmp_path, "test_unread.py").returncode == 0
    [why] = json.loads((tmp_path / "result.json").read_text()).values()
    assert "not_a_module_of_anybody" in why


def test_a_file_without_a_test_is_an_error(tmp_path):
    (tmp_path / "test_nothing.py").write_text("tea = 1\n")
    done = ran(tmp_path, "test_nothing.py")
    assert done.returncode != 0
    assert "is there a test in test_nothing.py?" in done.stderr


def test_results_are_counted():
    tests = proven.Tests({"a": "", "b": "why", "c": ""}, 1.0)
    assert (tests.passed, tests.failed) == (2, 1)


def test_versions_are_read_from_the_ids_of_the_tests():
    found = {
        f"{gates.FILES[1]}::test_x[2-1]": "tracking_code",
        f"{gates.FILES[1]}::test_x[3-1]": "",
        "other.py::t[1]": "",
    }
    notification, order = gates.NOTIFICATION, gates.ORDER
    assert gates.verified(found) == {(notification, 1, order, 2): False, (notification, 1, order, 3): True}


def test_each_mistake_of_a_gate_answers_unlike_the_others_and_unlike_a_right_one():
    notification, order = gates.NOTIFICATION, gates.ORDER
    fits = {(1, 1), (1, 3), (2, 2), (2, 3)}
    real = {(notification, n, order, o): (n, o) in fits for n in (1, 2) for o in (1, 2, 3)}
    every = [gates.right, *(mistaken for mistaken, _ in gates.MISTAKES.values())]
    answers = [
        tuple(gate(w.service, w.version, w.production, gates.CONTRACTS, gates.MADE_UP | real) for w in gates.WORLDS)
        for gate in every
    ]
    assert len(set(answers)) == len(every)


def test_a_matrix_shows_each_pair_that_was_verified():
    figure = matrix.grid({("reader", 1, "writer", 1): True, ("reader", 1, "writer", 2): False})
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["fits", "does not fit"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["writer 1", "writer 2"]


def test_a_version_restarts_nobody_and_other_files_do(system):
    restarted: list[tuple[str, ...]] = []
    worker = SimpleNamespace(restart="unless-stopped", command=("python", "-m", "labs.services.order.worker"))
    system.services = {"order-worker": worker}
    system.should_run = lambda _name: True
    system.restart = lambda *names, timeout: restarted.append(names)  # noqa: ARG005  as it is called
    workshop = Workshop(system, lambda _path: "tea = 1\n")
    assert workshop.replace("order/parcel_2.py", "tea = 2\n").status == "stored"
    assert workshop.replace("order/limits.py", source(system, "order/limits.py")).status == "running"
    assert [names for names in restarted if names] == [("order-worker",)]
