"""The stages of `make test`, in order, and how one is run: a command that succeeds, or a pytest whose tests count."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labs.infra.home import PROJECT
from tests.interrupts import INTERRUPTS

BIN = Path(sys.executable).parent
SECONDS_TO_END = 60


@dataclass(frozen=True)
class Stage:
    """A command of this environment; with `counts_tests`, arguments for pytest; shared by so many
    `hands`, processes (tests/sharing.py), as the tests wait more than they work."""

    name: str
    command: tuple[str, ...]
    counts_tests: bool = False
    hands: int = 1


@dataclass
class Outcome:
    """How a stage went. A command counts as one that passed or failed, a pytest as its tests."""

    stage: Stage
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    labs: dict[str, float] = field(default_factory=dict)
    output: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing failed and something was done."""
        return self.failed == 0 and self.passed > 0


WORKFLOWS = tuple(str(path.relative_to(PROJECT)) for path in sorted((PROJECT / ".github" / "workflows").glob("*.yml")))

FAULTS = (
    "cells",
    "kernels",
    "broker",
    "crashes",
    "storms",
    "doors",
    "deliveries",
    "reservations",
    "nodes",
    "watchers",
    "logs",
)
"""Those that `make test` has time for; the others need another user, a disk of their own, or long."""

STAGES = (
    Stage("ruff", ("ruff", "check", "--output-format=concise", ".")),
    Stage("format", ("ruff", "format", "--check", ".")),
    Stage("types", ("mypy",)),
    Stage("imports", ("lint-imports", "--no-logo")),
    Stage("compose", ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")),
    Stage("workflows", ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)),
    Stage("dockerfile", ("hadolint", "labs/services/Dockerfile")),
    Stage("tests", ("tests",), counts_tests=True, hands=2),
    # Each lab twice: solved by one tool, as released by the other. `make test-labs` does it the other way round.
    Stage("nbval", ("--nbval", "solutions"), counts_tests=True, hands=2),
    Stage("papermill", ("tests/labs/runs", "-k", "not solutions"), counts_tests=True, hands=2),
    Stage("mutants", ("tests/mutants",), counts_tests=True, hands=4),
    Stage("faults", tuple(f"tests/faults/test_{name}.py" for name in FAULTS), counts_tests=True, hands=2),
)


def run(stage: Stage, log: Path, heard: Callable[[dict[str, Any]], None]) -> Outcome:
    """Runs a stage from the project's folder, its output into `log`, and tells `heard` each event of tests/reporter.py.

    On KeyboardInterrupt the stage is asked to end, then made to.
    """
    outcome = Outcome(stage)
    began = time.monotonic()
    code = _run_pytest(stage, log, outcome, heard) if stage.counts_tests else _run_command(stage, log)
    outcome.seconds = time.monotonic() - began
    if not stage.counts_tests:
        outcome.passed, outcome.failed = (1, 0) if code == 0 else (0, 1)
        outcome.failures += [f"`{' '.join(stage.command)}` ended with code {code}"] if code else []
    elif (code or not outcome.passed) and not outcome.failed:
        outcome.failed += 1
        outcome.failures.append(f"pytest ended with code {code}" + ("" if outcome.passed else " and ran no test"))
    if not outcome.good:
        outcome.output = log.read_text(errors="replace")
    return outcome


def lab_of(test: str) -> str | None:
    """The lab that a test's node id is about, with its folder: `solutions/06_events_with_nameko`."""
    found = re.search(r"\b((?:solutions|notebooks)/\d\d_\w+)\.ipynb", test)
    return found[1] if found else None


def _run_command(stage: Stage, log: Path) -> int:
    return _ended([str(BIN / stage.command[0]), *stage.command[1:]], log)


def _run_pytest(stage: Stage, log: Path, outcome: Outcome, heard: Callable[[dict[str, Any]], None]) -> int:
    reading, writing = os.pipe()

    def listen() -> None:
        os.close(writing)
        with os.fdopen(reading) as events:
            for line in events:
                event = json.loads(line)
                _count(event, outcome)
                heard(event)

    hands = ["-n", str(stage.hands)] if stage.hands > 1 else []
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.reporter",
        *hands,
        "-q",
        "--tb=short",
        "-rs",
        "--durations=40",
        *stage.command,
    ]
    return _ended(command, log, listen, pass_fds=[writing], env={**os.environ, "LAB_TEST_REPORT": str(writing)})


def _count(event: dict[str, Any], outcome: Outcome) -> None:
    if "test" not in event:
        return
    setattr(outcome, event["outcome"], getattr(outcome, event["outcome"]) + 1)
    if event["outcome"] == "failed":
        outcome.failures.append(event["test"])
    if lab := lab_of(event["test"]):
        outcome.labs[lab] = outcome.labs.get(lab, 0.0) + event["seconds"]


def _ended(command: list[str], log: Path, meanwhile: Callable[[], None] = lambda: None, **settings: Any) -> int:
    """Runs `command` in a process group of its own, so that a Ctrl-C reaches it once, by us; and leaves it ended."""
    INTERRUPTS.hold()
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=PROJECT, stdout=out, stderr=subprocess.STDOUT, process_group=0, **settings
        )
    try:
        INTERRUPTS.release()
        meanwhile()
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise
