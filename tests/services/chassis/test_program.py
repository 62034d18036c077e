"""A program of one loop, as a process: ready when it says so, ended by SIGTERM through its own `with` blocks, dead where it is
to die."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labs.infra.home import PROJECT
from labs.services.chassis.probe import probe
from tests.infra.nodes import eventually

WAITS = """
import pathlib, signal, time
from contextlib import contextmanager

@contextmanager
def kettle():
    print("on", flush=True)
    yield
    print("never seen: a signal ends it", flush=True)

def main(settings, ready):
    try:
        with kettle():
            while not pathlib.Path("open").exists():
                time.sleep(0.02)
            ready()
            signal.pause()
    finally:
        print("off", settings.service, flush=True)
"""
ENDS = "def main(settings, ready):\n    print('brewed', flush=True)\n"
RAISES = "def main(settings, ready):\n    ready()\n    raise RuntimeError('no water')\n"
DIES = "from labs.services.chassis import crash\ndef main(settings, ready):\n    crash.point('before_ack')\n"


class Brewing:
    """A program that runs in a folder of its own."""

    def __init__(self, process: "subprocess.Popen[str]", address: str) -> None:
        self.process, self._address = process, address

    def complaint(self) -> str:
        return probe(f"http://{self._address}/health/started")

    def end(self) -> tuple[int, str]:
        """Its exit code and all that it said."""
        said, _ = self.process.communicate(timeout=20)
        return self.process.returncode, said


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Brewing]]:
    started: list[Brewing] = []

    def begin(source: str, **settings: str) -> Brewing:
        (tmp_path / "brew.py").write_text(source)
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        environment = {**os.environ, "SERVICE": "brew-service", "BIND": address, **settings}
        environment["PYTHONPATH"] = f"{tmp_path}:{PROJECT}"
        argv = [sys.executable, "-m", "labs.services.chassis.program", "brew"]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(Brewing(subprocess.Popen(argv, env=environment, cwd=tmp_path, **output), address))
        return started[-1]

    yield begin
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


def test_it_is_ready_when_it_says_so_and_leaves_through_its_own_blocks(start, tmp_path):
    brewing = start(WAITS)
    eventually(lambda: "503" in brewing.complaint(), 20, "its health port answers, and says no")
    (tmp_path / "open").touch()
    eventually(lambda: brewing.complaint() == "", 20, "it is ready")

    brewing.process.send_signal(signal.SIGTERM)

    assert brewing.end() == (0, "on\noff brew-service\n")


def test_one_that_has_come_to_its_end_rests_and_is_ready(start):
    brewing = start(ENDS)
    eventually(lambda: brewing.complaint() == "", 20, "it has done all that it does")
    assert brewing.process.poll() is None

    brewing.process.send_signal(signal.SIGTERM)

    assert brewing.end() == (0, "brewed\n")


def test_one_that_raises_ends_with_its_traceback(start):
    code, said = start(RAISES).end()

    assert code == 1
    assert said.rstrip().endswith("RuntimeError: no water")


def test_one_dies_at_its_crash_point(start):
    code, _said = start(DIES, CRASH="before_ack@1").end()

    assert code == -signal.SIGKILL


def test_a_module_without_a_main_is_told_what_it_lacks(start):
    assert start("brew = 1\n").end() == (1, "brew must define a function `main(settings, ready)`\n")
