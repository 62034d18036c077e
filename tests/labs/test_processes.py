"""The search for processes left behind finds real ones, and only those."""

import os
import subprocess
import sys

import pytest

from tests.labs.processes import belonging_to, left_over

WAITS = [sys.executable, "-c", "import sys; sys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.read()"]


@pytest.fixture
def start():
    """Starts a process that waits for its stdin to close; all are ended afterwards."""
    started = []

    def ready(*arguments, **settings):
        process = subprocess.Popen([*WAITS, *arguments], stdin=-1, stdout=-1, **settings)
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield ready
    for process in started:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def pids(found):
    return {process.pid for process in found}


def test_the_environment_the_command_line_and_the_folder_give_a_process_away(start, tmp_path):
    by_environment = start(env={**os.environ, "LAB_HOME": str(tmp_path)}, start_new_session=True)
    by_command_line = start(f"--home={tmp_path}/systems/x")
    by_folder = start(cwd=tmp_path)
    other = start()

    found = pids(belonging_to(tmp_path))

    assert {by_environment.pid, by_command_line.pid, by_folder.pid} <= found
    assert other.pid not in found


def test_what_is_left_over_is_named_and_gone_once_it_ends(start, tmp_path):
    before = belonging_to(tmp_path)
    process = start(str(tmp_path))

    [named] = left_over(tmp_path, before, seconds=0)
    assert named.startswith(f"{process.pid} ")
    assert str(tmp_path) in named

    process.stdin.close()
    assert left_over(tmp_path, before, seconds=10) == []


def test_what_was_there_before_may_stay_and_may_start_helpers(tmp_path):
    helper = f"import subprocess, sys; subprocess.run({[*WAITS, str(tmp_path)]!r})"
    broker = subprocess.Popen([sys.executable, "-c", helper, str(tmp_path)], stdin=-1, stdout=-1)
    try:
        before = {process for process in belonging_to(tmp_path) if process.pid == broker.pid}
        assert broker.stdout.readline() == b"ready\n", "its helper did not start"
        assert len(belonging_to(tmp_path)) == 2
        assert left_over(tmp_path, before, seconds=0) == []
    finally:
        broker.communicate(timeout=10)
