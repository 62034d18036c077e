"""The guard restarts by policy, ends everything when its owner ends, and survives what happens around it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from labs.infra.owner import GuardLost, Owner
from tests.infra.nodes import eventually, gone

WAITS = "import time; print('here', flush=True); time.sleep(600)"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")


class Ward:
    """A guard with its owner, and what its processes said."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "logs").mkdir(parents=True)
        with (directory / "lock").open("w") as lock:
            self.owner = Owner(directory, lock.fileno())

    def order(self, name: str, code: str, **more: Any) -> dict[str, Any]:
        usual = {"do": "start", "name": name, "argv": [sys.executable, "-c", code], "env": dict(os.environ)}
        rules = {"restart": "no", "grace": 1.0, "warm": None, "rank": 0, "disposable": False}
        place = {"cwd": str(self.directory), "log": str(self.directory / "logs" / f"{name}.log")}
        return usual | rules | place | more

    def start(self, name: str, code: str, **more: Any) -> None:
        self.owner.start(self.order(name, code, **more))

    def said(self, name: str) -> str:
        log = self.directory / "logs" / f"{name}.log"
        return log.read_text() if log.exists() else ""

    def here(self, name: str) -> psutil.Process:
        """Its process, once it has said so."""
        eventually(lambda: "here" in self.said(name), 10, f"{name} is here")
        return psutil.Process(self.owner.news(name).pid)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path / "system")
    yield made
    if made.owner.alive:
        made.owner.close(20)


def test_it_is_asked_to_end_by_the_signal_that_it_wants(ward: Ward) -> None:
    wants = "signal.signal(signal.SIGINT, lambda *_: sys.exit(5))"
    ward.start("it", f"import signal, sys; {wants}; {WAITS}", signal=signal.SIGINT, grace=10.0)
    ward.here("it")
    ward.owner.order({"do": "stop", "name": "it"})

    assert ward.owner.wait("it", lambda news: news.state == "stopped", 5)
    assert ward.owner.news("it").code == 5


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [
        ("no", 0, False),
        ("no", 3, False),
        ("on-failure", 0, False),
        ("on-failure", 3, True),
        ("always", 0, True),
        ("unless-stopped", 3, True),
    ],
)
def test_a_process_that_ends_is_started_again_as_its_policy_says(
    ward: Ward, policy: str, code: int, again: bool
) -> None:
    ward.start("it", f"raise SystemExit({code})", restart=policy)

    assert ward.owner.wait("it", lambda news: news.starts > 1 or news.state == "stopped", 10)
    news = ward.owner.news("it")
    assert (news.starts > 1) == again
    assert news.code == code or again


def test_the_pause_before_a_restart_grows(ward: Ward) -> None:
    ward.start("it", "import time; print(time.monotonic(), flush=True); raise SystemExit(1)", restart="always")

    eventually(lambda: len(ward.said("it").split()) >= 4, 15, "it was started four times")
    times = [float(word) for word in ward.said("it").split()]
    assert times[2] - times[1] > 0.4
    assert times[3] - times[2] > 0.9


def test_what_was_stopped_stays_down_whatever_its_policy(ward: Ward) -> None:
    ward.start("it", WAITS, restart="always")
    process = ward.here("it")
    ward.owner.order({"do": "stop", "name": "it"})

    assert ward.owner.wait("it", lambda news: news.state == "stopped", 10)
    assert gone([process])
    assert ward.owner.news("it").starts == 1


def test_what_waits_for_its_restart_can_be_stopped(ward: Ward) -> None:
    ward.start("it", "raise SystemExit(1)", restart="always")
    assert ward.owner.wait("it", lambda news: news.starts >= 3 and news.state == "waiting", 15)
    ward.owner.order({"do": "stop", "name": "it"})

    assert ward.owner.wait("it", lambda news: news.state == "stopped", 5)


def test_who_ignores_the_request_to_end_is_killed_after_its_grace_and_not_before(ward: Ward) -> None:
    ward.start("it", f"import signal; signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True)); {WAITS}")
    process, begun = ward.here("it"), time.monotonic()
    ward.owner.order({"do": "stop", "name": "it"})

    assert ward.owner.wait("it", lambda news: news.state == "stopped", 10)
    assert time.monotonic() - begun > 0.9
    assert "no" in ward.said("it")
    assert gone([process])
    assert ward.owner.news("it").code == -signal.SIGKILL


def test_what_a_process_leaves_behind_in_its_group_goes_with_it(ward: Ward) -> None:
    child = (
        f"import subprocess, sys; print('here', subprocess.Popen([sys.executable, '-c', {WAITS!r}]).pid, flush=True)"
    )
    ward.start("it", child)

    assert ward.owner.wait("it", lambda news: news.state == "stopped", 10)
    eventually(lambda: not psutil.pid_exists(int(ward.said("it").split()[1])), 5, "its child has ended")


def test_a_program_that_is_not_there_is_named_in_its_log(ward: Ward) -> None:
    ward.owner.start(ward.order("it", "", argv=["/no/such/program"]))

    assert ward.owner.wait("it", lambda news: news.code == 127, 10)
    assert "/no/such/program cannot be started: " in ward.said("it")


def test_an_order_for_nobody_and_a_log_that_cannot_be_written_end_no_system(ward: Ward) -> None:
    ward.owner.order({"do": "stop", "name": "nobody"})
    ward.start("it", WAITS, log=str(ward.directory / "no such folder" / "it.log"))
    ward.start("other", WAITS)

    assert ward.here("other").is_running()
    assert ward.owner.news("it").state == "running"


def test_whoever_depends_on_others_ends_before_them(ward: Ward) -> None:
    for name, rank in (("store", 0), ("api", 1), ("front", 2)):
        tells = f"signal.signal(signal.SIGTERM, lambda *_: (open('ends', 'a').write('{name} '), sys.exit()))"
        ward.start(name, f"import signal, sys; {tells}; {WAITS}", rank=rank)
        ward.here(name)
    ward.owner.close(20)

    assert (ward.directory / "ends").read_text().split() == ["front", "api", "store"]


def test_the_last_command_runs_when_all_have_ended(ward: Ward) -> None:
    ward.start("it", WAITS)
    process = ward.here("it")
    look = f"import psutil; open('last', 'w').write(str(psutil.pid_exists({process.pid})))"
    ward.owner.order({**ward.order("last", look), "do": "finally"})
    ward.owner.close(20)

    assert (ward.directory / "last").read_text() == "False"


def test_an_interrupt_of_the_owners_group_does_not_reach_it(ward: Ward) -> None:
    ward.start("it", WAITS)
    process = ward.here("it")

    assert os.getsid(ward.owner.pid) == ward.owner.pid != os.getsid(0)
    os.kill(ward.owner.pid, signal.SIGINT)
    ward.start("other", WAITS)
    assert ward.here("other").is_running()
    assert process.is_running()


def test_it_writes_for_others_what_runs(ward: Ward) -> None:
    def state() -> dict[str, Any]:
        read: dict[str, Any] = json.loads((ward.directory / "state.json").read_text())
        return read

    eventually((ward.directory / "state.json").exists, 10, "it has said that it is there")
    assert state() == {"guard": ward.owner.pid, "services": {}}
    ward.start("it", WAITS, facts={"address": "127.0.0.1:20000"})
    process = ward.here("it")

    assert state()["services"]["it"]["pid"] == process.pid
    assert state()["services"]["it"]["address"] == "127.0.0.1:20000"


def _without_owner(tmp_path: Path, end: Callable[[psutil.Process], None]) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.infra.test_guard import WAITS, Ward\n"
        "ward = Ward(Path(sys.argv[1])); ward.start('it', WAITS); ward.here('it')\n"
        "print(ward.owner.pid, ward.owner.news('it').pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "system")]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as owner:
        assert owner.stdout
        family = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        assert len(family) == 2
        end(psutil.Process(owner.pid))
        owner.wait()
        eventually(lambda: gone(family), 10, "guard and process have ended")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_an_owner_however_that_ends(tmp_path: Path, number: signal.Signals) -> None:
    _without_owner(tmp_path, lambda owner: owner.send_signal(number))


@on_linux
def test_nothing_outlives_a_guard_that_is_killed_and_the_owner_hears_of_it_at_once(ward: Ward) -> None:
    ward.start("it", WAITS)
    process = ward.here("it")
    begun = time.monotonic()
    os.kill(ward.owner.pid, signal.SIGKILL)

    eventually(lambda: gone([process]), 5, "the process has ended")
    assert ward.owner.wait("it", lambda news: news.state == "stopped", 30)
    assert time.monotonic() - begun < 10
    with pytest.raises(GuardLost, match=r"guard of this system is gone.*\n.*run it from the top"):
        ward.start("it", WAITS)
