"""Crash points: a process dies where it was told to, at the time it was told, and nowhere else."""

import ast
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import labs.services
from labs.services.chassis import crash
from labs.services.chassis.settings import Settings

WALKER = """
import sys
from labs.services.chassis import crash
from labs.services.chassis.settings import Settings

crash.arm(Settings(service="probe-service").crash)
for number in range(1, 6):
    crash.point("before_ack")
    print("before_ack", number, flush=True)
    crash.point("before_commit")
"""


def walk(where: str) -> tuple[int, list[str]]:
    """The exit code and the points passed of a process that is armed so."""
    done = subprocess.run(
        [sys.executable, "-c", WALKER], env={"CRASH": where}, capture_output=True, text=True, timeout=30
    )
    return done.returncode, done.stdout.split("\n")[:-1]


def test_a_process_dies_at_its_point_when_it_passes_it_for_the_nth_time():
    assert walk("before_ack@3") == (-signal.SIGKILL, ["before_ack 1", "before_ack 2"])
    assert walk("before_commit@1") == (-signal.SIGKILL, ["before_ack 1"])


def test_one_that_is_not_armed_or_armed_for_later_lives():
    assert walk("")[0] == 0
    assert walk("before_ack@6")[0] == 0
    assert walk("before_confirm@1")[0] == 0


@pytest.mark.parametrize(
    "wrong", ["before_lunch@1", "before_ack", "before_ack@0", "before_ack@-1", "before_ack@x", "@1"]
)
def test_a_wrong_word_is_a_wrong_setting(wrong):
    with pytest.raises(ValidationError, match="must be point@n with n from 1, and a point of before_commit"):
        Settings(service="probe-service", crash=wrong)


def test_every_point_that_services_pass_is_described_and_every_one_that_is_described_is_passed():
    passed = {
        node.args[0].value
        for path in Path(labs.services.__path__[0]).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "crash.point"
    }
    assert passed == set(crash.POINTS)
