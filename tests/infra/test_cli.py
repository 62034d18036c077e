"""`lab up`, `ps`, `logs`, `down` and `reset` do what they say and say what is true; errors are words."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from labs.infra import directories
from labs.infra.home import PROJECT
from tests.infra.nodes import eventually
from tests.labs.processes import left_over

OUTSIDE = r"outside\s+running\s+(127\.0\.0\.1:\d+)\s+\d+ MB"
LAB = [str(Path(sys.executable).with_name("lab"))]


class Shell:
    """A shell with a LAB_HOME of its own, in which `lab` is called."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "LAB_HOME": str(home), "COLUMNS": "200", "TERM": "dumb"}
        self.started: list[Up] = []

    def lab(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*LAB, *words], env=self.environment, capture_output=True, text=True, timeout=90, check=False, cwd=PROJECT
        )

    def up(self, *words: str) -> "Up":
        self.started.append(Up(self, *words))
        return self.started[-1]

    def systems(self) -> list[Path]:
        return [d for d in (self.home / "systems").glob("*") if directories.guard(d)]

    def process_of(self, service: str) -> int:
        """The pid of a service of the only system; 0 before there is one."""
        known = [directories.state(d)["services"].get(service, {"pid": 0}) for d in self.systems()]
        return int(known[0]["pid"]) if known else 0

    def address(self, system: Path) -> str:
        return str(directories.state(system)["services"]["outside"]["address"])


class Up:
    """`lab up` in the foreground of a terminal, and what it said."""

    def __init__(self, shell: Shell, *words: str) -> None:
        self._log = shell.home.parent / f"up-{len(shell.started)}.txt"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*LAB, "up", *words], env=shell.environment, stdout=log, stderr=log, cwd=PROJECT, process_group=0
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def ready(self) -> str:
        """The address of the world outside, once it has been shown."""
        eventually(lambda: bool(re.search(OUTSIDE, self.said)), 40, "`lab up` shows its table")
        found = re.search(OUTSIDE, self.said)
        assert found
        return found[1]

    def interrupt(self) -> None:
        """As a terminal does: everybody in the foreground hears it."""
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self) -> int:
        return self.process.wait(60)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path / "home of tests")
    made.home.mkdir()
    yield made
    for up in made.started:
        up.process.terminate()
        up.ended()
    assert left_over(made.home, set()) == []


def test_up_in_the_foreground_ends_with_ctrl_c_and_leaves_nothing(shell: Shell) -> None:
    up = shell.up("outside")
    assert requests.get(f"http://{up.ready()}/health/ready", timeout=5).ok
    up.interrupt()

    assert up.ended() == 0
    assert "Traceback" not in up.said
    assert left_over(shell.home, set()) == []


def test_ctrl_c_half_way_through_a_start_ends_it(shell: Shell) -> None:
    up = shell.up("order-service")  # its broker alone takes seconds
    eventually(lambda: bool(shell.process_of("rabbitmq")), 30, "the broker is being started")
    up.interrupt()

    assert up.ended() == 0
    assert "Stopped while it was starting." in up.said
    assert "Traceback" not in up.said
    assert left_over(shell.home, set()) == []


def test_up_twice_at_once_gives_two_systems_that_ps_shows_and_down_ends(shell: Shell) -> None:
    ups = [shell.up("outside"), shell.up("outside")]
    assert ups[0].ready() != ups[1].ready()
    one, other = shell.systems()

    shown = shell.lab("ps").stdout
    for system in (one, other):
        assert re.search(
            rf"{system.name}\s*\n.*\n\s*outside-migrate\s+done.*\n\s*outside\s+running\s+{shell.address(system)}\s+\d+ MB",
            shown,
        )

    ended = shell.lab("down", one.name)
    assert (ended.returncode, ended.stdout) == (0, f"Ended: {one.name}\n")
    assert shell.systems() == [other]
    shown = shell.lab("ps").stdout
    assert other.name in shown
    assert one.name not in shown

    assert shell.lab("down").stdout == f"Ended: {other.name}\n"
    assert [up.ended() for up in ups] == [0, 0]
    assert all("The system was ended from elsewhere" in up.said for up in ups)
    assert shell.lab("ps").stdout == "Nothing runs.\n"
    assert shell.lab("down").returncode == 0
    assert shell.lab("down", "shop").returncode == 1


def test_logs_are_there_while_it_runs_and_afterwards(shell: Shell) -> None:
    assert shell.lab("logs").stdout == "There is no system yet; `lab up` starts one.\n"
    up = shell.up("outside")
    requests.delete(f"http://{up.ready()}/mails", timeout=5)
    (system,) = shell.systems()
    eventually(lambda: "DELETE /mails" in up.said, 10, "the request is shown where it runs")
    assert "DELETE /mails" in shell.lab("logs", "outside").stdout
    up.interrupt()
    up.ended()

    assert "DELETE /mails" in shell.lab("logs", "--system", system.name).stdout
    unknown = shell.lab("logs", "order-service")
    assert unknown.returncode == 1
    assert f"{system.name} has no log of order-service; it has: guard, outside, outside-migrate" in unknown.stdout


def test_a_capability_is_seen_and_moved_behind_the_gateway(shell: Shell) -> None:
    nowhere = shell.lab("route")
    assert (nowhere.returncode, nowhere.stdout) == (1, "No gateway runs; `lab up` starts one.\n")
    up = shell.up("gateway")
    eventually(lambda: bool(re.search(r"gateway\s+running\s+127", up.said)), 40, "`lab up` shows its table")

    assert re.search(r"orders\s+0 %\s+100 %", shell.lab("route").stdout)
    moved = shell.lab("route", "orders", "monolith", "--percent", "30")
    assert moved.returncode == 0
    assert re.search(r"orders\s+30 %\s+70 %", moved.stdout)
    assert re.search(r"orders\s+30 %\s+70 %", shell.lab("route", "--system", "shop").stdout)
    for words, said in (
        (("ordrs", "services"), "There is no capability 'ordrs'. Known: catalogue, "),
        (("orders", "teapot"), "not to 'teapot'"),
        (("orders", "services", "--percent", "200"), "from 0 to 100, not 200"),
        (("--system", "another"), "No gateway runs in a system 'another'"),
    ):
        wrong = shell.lab("route", *words)
        assert wrong.returncode == 1
        assert said in wrong.stdout
    assert shell.lab("route", "orders").returncode == 2
    up.interrupt()
    up.ended()


def test_a_name_that_nobody_has_is_an_error_in_words(shell: Shell) -> None:
    wrong = shell.lab("up", "ordr-service")

    assert wrong.returncode == 1
    assert "There is no service 'ordr-service'. Known: " in wrong.stdout
    assert "Traceback" not in wrong.stdout + wrong.stderr


def test_a_guard_that_is_killed_during_a_start_is_an_error_in_words(shell: Shell) -> None:
    up = shell.up("order-service")
    eventually(lambda: bool(shell.process_of("rabbitmq")), 30, "the broker is being started")
    guard = directories.guard(shell.systems()[0])
    assert guard
    guard.kill()

    assert up.ended() == 1
    assert "The guard of this system is gone" in up.said
    assert "Traceback" not in up.said


def test_reset_ends_and_forgets_everything_but_the_programs(shell: Shell) -> None:
    (shell.home / "programs").mkdir()
    (shell.home / "progress.json").write_text(json.dumps({"00_start_here": {}}))
    up = shell.up("outside")
    up.ready()
    (system,) = shell.systems()

    said = shell.lab("reset")
    assert said.returncode == 0
    assert f"Ended: {system.name}" in said.stdout
    assert "Forgotten." in said.stdout
    assert up.ended() == 0
    assert [entry.name for entry in shell.home.iterdir()] == ["programs"]
    assert shell.lab("reset").returncode == 0


@pytest.mark.parametrize("words", [("up", "outside"), ("ps",), ("logs",), ("reset",)])
def test_a_home_that_cannot_be_used_is_an_error_in_words(shell: Shell, words: tuple[str, ...]) -> None:
    shell.home.rmdir()
    shell.home.write_text("a file where a folder belongs")
    wrong = shell.lab(*words)
    shell.home.unlink()
    shell.home.mkdir()

    assert wrong.returncode == 1
    assert str(shell.home) in wrong.stdout.replace("\n", "")
    assert "LAB_HOME" in wrong.stdout
    assert "Traceback" not in wrong.stdout + wrong.stderr
