"""Each system has a folder; what a dead one left goes when its like comes, and the living are never touched."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from labs.infra import directories
from labs.infra.system import System
from tests.infra import small
from tests.infra.nodes import eventually

UP = """
import sys
from labs.infra.system import System
from tests.infra import small
system = System(sys.argv[1], cold=True)
small.add(system, pot=small.entry("steady"))
system.up("pot")
print(system.directory, flush=True)
sys.stdin.read()
"""


def test_a_folder_is_for_its_owner_alone(system) -> None:
    directory = system("private").directory

    for folder in (directory.parent.parent, directory, directory / "logs"):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0


def test_what_runs_is_known_from_elsewhere_until_it_has_ended(system) -> None:
    seen = system("seen")
    small.add(seen, pot=small.entry("steady"))
    seen.up("pot")

    guard = directories.guard(seen.directory)
    assert guard and guard.pid == seen.guard_pid
    assert seen.directory in directories.running()
    assert directories.state(seen.directory)["services"]["pot"]["address"] == seen.address("pot")
    seen.down()
    assert seen.directory not in directories.running()
    assert not directories.alive(seen.directory)


def test_a_system_that_was_ended_from_elsewhere_is_not_among_those_that_run(system) -> None:
    ended = system("ended")
    eventually(lambda: directories.guard(ended.directory) is not None, 10, "the guard has said that it is there")
    os.kill(ended.guard_pid, signal.SIGTERM)

    eventually(lambda: ended.directory not in directories.running(), 10, "it has ended")
    assert directories.alive(ended.directory), "its owner lives, and may still look at its logs"


def test_the_pid_of_a_stranger_is_no_guard(system) -> None:
    mine = system("mine")
    eventually(lambda: directories.guard(mine.directory) is not None, 10, "the guard has said that it is there")
    state = mine.directory / "state.json"
    state.write_text(state.read_text().replace(str(mine.guard_pid), str(os.getpid())))

    assert directories.guard(mine.directory) is None


def test_data_and_logs_of_a_dead_system_stay_until_the_next_of_its_name(ground) -> None:
    with subprocess.Popen([sys.executable, "-c", UP, "phoenix"], stdin=-1, stdout=-1, text=True) as owner:
        assert owner.stdout
        folder = ground.home / "systems" / os.path.basename(owner.stdout.readline().strip())  # noqa: PTH119  a line
        other = System("phoenix", cold=True)
        try:
            assert folder.exists(), "its owner lives"
        finally:
            other.down()
        owner.kill()
        owner.wait()
    eventually(lambda: not directories.alive(folder), 10, "the guard has ended what its owner left")
    assert "steady begins" in (folder / "logs/pot.log").read_text()

    System("another", cold=True).down()
    assert folder.exists(), "it is no business of a system of another name"
    System("phoenix", cold=True).down()
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_is_named(tmp_path, monkeypatch) -> None:
    from labs.infra.start_error import StartError

    tmp_path.chmod(0o500)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "lab"))
    with pytest.raises(StartError, match="You may not write to"):
        System("nowhere")
