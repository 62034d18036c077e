"""Every exercise against its stub, its solution and its known wrong answers, on a real system.

A wrong answer lies in tests/mutants/LAB/EXERCISE/MISTAKE.py (or .yml, as the exercise's own file) and must be named MISTAKE by
the check; what stands behind a double underscore tells several of one kind apart. With LAB_MUTANTS=short, as in `make test`,
each exercise meets three of them, of different kinds, and nothing else: nbval runs the solutions and papermill the stubs.
`make test-labs` has time for all."""

import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from labs.classroom.author.release import release
from labs.classroom.lab import Lab
from labs.classroom.references import MAGIC
from labs.infra.home import PROJECT
from tests.ground import Ground

HERE = Path(__file__).parent
UP = {
    "00_start_here": ["user-service", "order-service", "inventory-service"],
    "01_the_monolith": ["monolith", "outside"],
    "02_service_boundaries": ["monolith", "outside"],
    "03_a_first_service": ["user-api", "order-api", "inventory-api"],
    "04_who_are_you": ["user-api", "order-api", "inventory-api"],
    "05_messages_by_hand": ["broker-setup"],
    "06_events_with_nameko": ["user-service", "order-service", "inventory-service", "outside"],
    "07_never_lose_an_order": ["broker-setup", "outside"],
    "08_a_database_per_service": ["user-service", "inventory-service", "gateway"],
    "09_strangle_the_monolith": [
        "monolith",
        "outside",
        "gateway",
        "user-service",
        "inventory-service",
        "order-service",
        "notification-service",
    ],
    "13_pitfall_over_decomposition": ["user-api", "inventory-api", "order-api"],
    "12_distributed_tracing": ["tracing", "user-service", "order-service", "inventory-service", "outside"],
    "11_metrics_and_alerts": [
        "user-service",
        "order-service",
        "inventory-service",
        "notification-service",
        "outside",
        "prometheus",
    ],
    "16_pitfall_network_latency": ["wire", "user-api", "inventory-service"],
    "10_structured_logs": ["user-service", "order-service", "inventory-service", "notification-service", "outside"],
    "14_pitfall_shared_database": ["user-api", "order-service", "inventory-service", "outside"],
    "15_pitfall_synchronous_everything": ["broker-setup", "outside"],
    "17_pitfall_insufficient_testing": [
        "user-service",
        "order-service",
        "inventory-service",
        "notification-service",
        "outside",
    ],
}
ON_POSTGRESQL = {"14_pitfall_shared_database"}
FEWEST = 3
SHORT = os.environ.get("LAB_MUTANTS") == "short"
elsewhere = pytest.mark.skipif(SHORT, reason="nbval and papermill have shown it")
EXERCISES = sorted(path for path in HERE.glob("*/*") if path.is_dir() and not path.name.startswith("__"))


def mutants(exercise: Path) -> list[Path]:
    """Those that there is time for."""
    every = sorted(exercise.glob("*.[py]*"))
    one_of_each = {mutant.stem.partition("__")[0]: mutant for mutant in reversed(every)}
    return sorted(one_of_each.values())[:FEWEST] if SHORT else every


def cells(lab: str, released: bool) -> dict[str, str]:
    """The `%%service` cells of a lab by file, as released or as solved."""
    notebook = nbformat.read(PROJECT / "solutions" / f"{lab}.ipynb", as_version=4)
    sources = [cell.source for cell in (release(notebook) if released else notebook).cells if cell.cell_type == "code"]
    parts = [source.partition("\n") for source in sources if source.startswith(MAGIC)]
    return {first.removeprefix(MAGIC).strip(): rest for first, _, rest in parts}


@pytest.fixture(scope="module", params=sorted(UP))
def lab(request: pytest.FixtureRequest, ground: Ground) -> Iterator[Lab]:  # noqa: ARG001  its broker is shared
    """A lab whose files are all in place, as solved."""
    opened = Lab(request.param, databases="postgresql" if request.param in ON_POSTGRESQL else "sqlite")
    opened.system.up(*UP[request.param], timeout=120)
    for path, source in cells(request.param, released=False).items():
        opened.workshop.replace(path, source)
    yield opened
    opened.down()


def solve(lab: Lab, exercise: str) -> None:
    """Put the solution of an exercise in place."""
    for path in lab.exercises[exercise].files:
        # a test of rules runs nowhere, it only lies there
        assert lab.workshop.replace(path, cells(lab.name, released=False)[path]).status in ("running", "stored")


def test_every_exercise_has_at_least_three_known_wrong_answers(lab: Lab) -> None:
    for name in lab.exercises:
        assert len(list((HERE / lab.name / name).glob("*.[py]*"))) >= FEWEST, name


@elsewhere
def test_a_stub_counts_as_not_attempted(lab: Lab) -> None:
    for name in lab.exercises:
        for path in lab.exercises[name].files:
            assert lab.workshop.replace(path, cells(lab.name, released=True)[path]).status == "open"
        lab.check(name)
        assert lab.records.results["exercises"][name] == "not attempted"


@elsewhere
def test_the_solution_passes(lab: Lab) -> None:
    for name in lab.exercises:
        solve(lab, name)
        verdict = lab.judge(name)
        assert verdict.passed, verdict


def test_each_wrong_answer_is_named(lab: Lab, subtests: pytest.Subtests) -> None:
    for mutant in [mutant for exercise in lab.exercises for mutant in mutants(HERE / lab.name / exercise)]:
        exercise = mutant.parent.name
        with subtests.test(f"{exercise}/{mutant.stem}"):
            (path,) = lab.exercises[exercise].files
            lab.workshop.replace(path, mutant.read_text())
            verdict = lab.judge(exercise)
            assert verdict.wrong == mutant.stem.partition("__")[0], verdict
            assert len(verdict.message) > 40, "a message says what happened"
        solve(lab, exercise)  # it deals with the events that the wrong one left in its queues


def test_wrong_answers_have_different_messages() -> None:
    for exercise in EXERCISES:
        kinds = {mutant.stem.partition("__")[0] for mutant in exercise.glob("*.[py]*")}
        assert len(kinds) >= FEWEST, exercise
