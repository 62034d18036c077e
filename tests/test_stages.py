"""The harness of `make test`: it counts what happened, goes on after a failure, and its last line tells the truth."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from labs.infra.home import PROJECT
from tests.board import Board
from tests.ground import LAID, SERVED, Ground
from tests.sharing import ByFolder
from tests.stages import STAGES, Outcome, Stage, lab_of, run


@pytest.fixture
def pytest_stage(tmp_path, monkeypatch):
    """A stage that runs one small test file, which needs no plugins and is not to wait for their imports."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def stage(code):
        file = tmp_path / "test_small.py"
        file.write_text(textwrap.dedent(code))
        return Stage("small", ("-c", "/dev/null", "-p", "no:cacheprovider", str(file)), counts_tests=True)

    return stage


def run_quietly(stage, tmp_path):
    events = []
    return run(stage, tmp_path / "log", events.append), events


def test_tests_are_counted_and_failures_named(pytest_stage, tmp_path):
    outcome, events = run_quietly(
        pytest_stage("""
            import pytest
            @pytest.fixture
            def broken(): raise RuntimeError("no ground")
            def test_good(): pass
            def test_bad(): assert 1 == 2
            def test_error(broken): pass
            @pytest.mark.skip(reason="no engine")
            def test_skipped(): pass
        """),
        tmp_path,
    )
    assert (outcome.passed, outcome.failed, outcome.skipped, outcome.good) == (1, 2, 1, False)
    assert [failure.rpartition("::")[2] for failure in outcome.failures] == ["test_bad", "test_error"]
    assert "assert 1 == 2" in outcome.output
    assert events[0] == {"collected": 4}
    assert len(events) == 5


@pytest.mark.parametrize(
    ("code", "passed", "failed", "says"),
    [
        ("import not_a_module", 0, 1, "test_small.py"),
        ("x = 1", 0, 1, "ran no test"),
        ("def test_dies():\n    import os; os._exit(3)", 0, 1, "ended with code 3"),
        ("def test_good(): pass\ndef test_dies():\n    import os; os._exit(3)", 1, 1, "ended with code 3"),
    ],
    ids=["cannot be imported", "is empty", "dies", "dies later"],
)
def test_a_pytest_that_proves_nothing_is_a_failure(pytest_stage, tmp_path, code, passed, failed, says):
    outcome, _ = run_quietly(pytest_stage(code), tmp_path)
    assert (outcome.passed, outcome.failed, outcome.good) == (passed, failed, False)
    assert says in outcome.failures[0]


@pytest.mark.parametrize(("wanted", "good"), [("--version", True), ("--no-such-flag", False)])
def test_a_command_counts_as_one(tmp_path, wanted, good):
    outcome, _ = run_quietly(Stage("ruff", ("ruff", wanted)), tmp_path)
    assert (outcome.passed, outcome.failed) == ((1, 0) if good else (0, 1))
    assert outcome.good is good
    assert bool(outcome.failures) is not good


def test_a_process_that_a_test_leaves_does_not_hold_up_the_run(pytest_stage, tmp_path):
    outcome, _ = run_quietly(
        pytest_stage(f"""
            import subprocess, sys
            def test_leaves():
                left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(500)"], close_fds=False)
                open({str(tmp_path / "pid")!r}, "w").write(str(left.pid))
        """),
        tmp_path,
    )
    left = psutil.Process(int((tmp_path / "pid").read_text()))
    left.kill()
    assert outcome.good


def test_the_seconds_of_a_lab_are_found_in_both_kinds_of_test():
    assert lab_of("solutions/06_events_with_nameko.ipynb::Cell 3") == "solutions/06_events_with_nameko"
    assert lab_of("tests/labs/runs/test_x.py::test_it_runs[notebooks/00_start_here.ipynb]") == "notebooks/00_start_here"
    assert lab_of("tests/infra/test_guard.py::test_x") is None


def shown(outcomes, events=()):
    """What is printed where no terminal is."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        board = Board()
        board.begin(len(outcomes))
        for outcome in outcomes:
            board.stage(outcome.stage)
            for event in events:
                board.heard(event)
            board.done(outcome)
        board.end(outcomes)
    return out.getvalue()


def test_without_a_terminal_there_is_a_plain_line_per_file_and_the_last_line_is_the_sum():
    stages = {stage.name: stage for stage in STAGES}
    tests = Outcome(stages["tests"], passed=3, failed=1, seconds=2.5, failures=["tests/x.py::y"], output="why")
    nbval = Outcome(stages["nbval"], passed=9, seconds=4.0, labs={"solutions/06_events": 4.0})
    ran = [("tests/a.py::one", "gw0"), ("tests/b.py::one", "gw1"), ("tests/a.py::two", "gw0"), ("tests/c.py::x", "gw1")]
    events = [{"test": test, "outcome": "passed", "seconds": 1.25, "by": by} for test, by in ran]
    text = shown([tests, nbval], [{"collected": 4}, *events])
    assert "\x1b" not in text
    lines = [line.split() for line in text.splitlines()]
    assert ["tests/a.py", "2", "passed", "2.5", "s"] in lines, text
    assert ["tests/b.py", "1", "passed", "1.2", "s"] in lines, text
    assert "FAILED tests: tests/x.py::y" in text
    assert "solutions/06_events" in text
    assert text.endswith("\n12 passed, 1 failed\n")


def test_only_pytests_failures_are_shown_of_its_output():
    output = "....F\n=== FAILURES ===\nassert 1 == 2\n"
    text = shown([Outcome(STAGES[-1], failed=1, output=output)])
    assert "....F" not in text
    assert "assert 1 == 2" in text


def test_processes_share_tests_by_folder_by_shop_and_by_lab():
    together = [
        {"tests/infra/test_a.py::one", "tests/infra/test_b.py::two[x::y]"},
        {"tests/services/unit/test_a.py::one", "tests/services/unit/test_b.py::one"},
        {"tests/services/test_b.py::one"},
        {"tests/faults/test_storms.py::one", "tests/faults/test_crashes.py::one"},
        {"tests/faults/test_kernels.py::one", "tests/faults/test_cells.py::one"},
        {"solutions/06_events.ipynb::Cell 0", "solutions/06_events.ipynb::Cell 1"},
        {"notebooks/06_events.ipynb::Cell 0"},
        {"tests/labs/runs/test_every_notebook.py::test_it_runs[notebooks/06_events.ipynb]"},
        {"tests/labs/runs/test_every_notebook.py::test_it_runs[notebooks/07_orders.ipynb]"},
        {
            "tests/mutants/test_mutants.py::test_a_stub[06_events]",
            "tests/mutants/test_mutants.py::test_named[06_events]",
        },
    ]
    scopes = [{ByFolder._split_scope(None, test) for test in tests} for tests in together]
    assert [len(scope) for scope in scopes] == [1] * len(together)
    assert len(set.union(*scopes)) == len(together)


def test_a_stage_that_does_not_exist_is_named():
    done = subprocess.run(
        [sys.executable, "-m", "tests.run", "nbvla"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "There is no stage nbvla. The stages are: ruff, " in done.stderr


def test_the_ground_is_short_has_the_programs_and_goes_without_a_trace(tmp_path, monkeypatch):
    for name in (LAID, SERVED):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "rabbitmq").touch()

    ground = Ground()
    assert len(str(ground.home)) < 30
    assert os.environ["LAB_HOME"] == str(ground.home)
    assert (ground.home / "programs" / "rabbitmq").exists()

    below = Ground()
    assert (below.home, below.real) == (ground.home, tmp_path)
    below.close()
    assert ground.home.exists()

    beside = Ground(apart=True)
    assert beside.home not in (ground.home, tmp_path)
    assert (beside.home / "programs" / "rabbitmq").exists()
    beside.close()
    assert os.environ["LAB_HOME"] == str(ground.home)

    ground.close()
    assert not ground.home.exists()
    assert (tmp_path / "programs" / "rabbitmq").exists()
    assert os.environ["LAB_HOME"] == str(tmp_path)


def test_an_interrupted_run_ends_its_stage_and_still_sums_up(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in (LAID, SERVED)}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.run", "types"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "LAB_HOME": str(tmp_path)},
    )
    stage = _child(process)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.splitlines()[-1] == "0 passed, 0 failed"
    assert not stage.is_running()
    assert json.loads((tmp_path / "test-results" / "summary.json").read_text()) == []
    assert not Path(tmp_path / "broker.json").exists()


def _child(process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := psutil.Process(process.pid).children():
            return found[0]
    pytest.fail("the stage did not start within 30 s")
