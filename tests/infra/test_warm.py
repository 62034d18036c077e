"""A process that is forked from a warmed-up Python cannot be told from one started as `python -m`, but for its speed."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.infra.nodes import eventually, gone
from tests.infra.test_guard import Ward, on_linux

TELLS = """
import os, sys, json
print(json.dumps([sys.argv[1:], os.environ.get("COLOUR"), os.getcwd(), os.getpgid(0) == os.getpid(), __name__]), flush=True)
"""
LISTENS = """
import os, time
from eventlet import hubs
reading, writing = os.pipe()
hub = hubs.get_hub()
hub.add(hub.READ, reading, str, str, str)
os.write(writing, b"news")
if hub.poll.poll(0):
    print("here", flush=True)
    time.sleep(600)
"""
HEARS = "from eventlet import hubs\nprint(hubs.get_hub().poll.poll(0))"
WAITS = "import time\nprint('here', flush=True)\ntime.sleep(600)\n"
FAILS = "def brew():\n    raise RuntimeError('no water')\n\nbrew()\n"


class Forked(Ward):
    """Modules written into a folder and run from a warmed-up Python."""

    def run(self, name: str, source: str, *arguments: str, kind: str = "plain", **more: object) -> None:
        (self.directory / f"{name}.py").write_text(source)
        environment = {"PYTHONPATH": str(self.directory), "COLOUR": "green", "PYTHONDONTWRITEBYTECODE": "1"}
        order = self.order(name, "", argv=["python", "-m", name, *arguments], env=environment, warm=kind)
        self.owner.start(order | more)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    made = Forked(tmp_path_factory.mktemp("warm") / "system")
    yield made
    made.owner.close(20)


def test_it_has_its_own_arguments_environment_folder_and_group(ward: Forked) -> None:
    ward.run("tells", TELLS, "strong", "black tea")

    assert ward.owner.wait("tells", lambda news: news.code == 0, 20)
    assert ward.said("tells") == f'[["strong", "black tea"], "green", "{ward.directory}", true, "__main__"]\n'


@pytest.mark.parametrize("kind", ["plain", "green"])
def test_an_exit_code_is_its_own(ward: Forked, kind: str) -> None:
    ward.run(f"seven_{kind}", "raise SystemExit(7)", kind=kind)

    assert ward.owner.wait(f"seven_{kind}", lambda news: news.state == "stopped", 20)
    assert ward.owner.news(f"seven_{kind}").code == 7


@on_linux
def test_green_ones_do_not_hear_what_comes_for_another(ward: Forked) -> None:
    ward.run("listens", LISTENS, kind="green")
    ward.here("listens")
    ward.run("hears", HEARS, kind="green")

    assert ward.owner.wait("hears", lambda news: news.state == "stopped", 20)
    assert ward.said("hears") == "[]\n"
    ward.owner.order({"do": "stop", "name": "listens"})


def test_a_traceback_shows_its_own_lines_only(ward: Forked) -> None:
    ward.run("fails", FAILS)

    assert ward.owner.wait("fails", lambda news: news.code == 1, 20)
    assert ward.said("fails").startswith("Traceback (most recent call last):\n")
    assert ward.said("fails").count("  File ") == 2
    assert ward.said("fails").endswith("RuntimeError: no water\n")


def test_a_changed_file_is_read_afresh(ward: Forked) -> None:
    for word in ("tea", "coffee"):
        ward.run("word", f"print({word!r})")
        assert ward.owner.wait("word", lambda news: news.state == "stopped", 20)

    assert ward.said("word").split() == ["tea", "coffee"]


def test_gunicorn_looks_for_services_in_the_folder_of_its_system(ward: Forked) -> None:
    ward.run("chdir", "import gunicorn.config\nprint(gunicorn.config.Chdir.default)")

    assert ward.owner.wait("chdir", lambda news: news.state == "stopped", 20)
    assert ward.said("chdir").strip() == str(ward.directory)


def test_a_stop_that_comes_as_soon_as_the_start_is_heard(ward: Forked) -> None:
    begun = time.monotonic()
    for _ in range(30):
        ward.run("brief", WAITS, grace=30.0)
        ward.owner.order({"do": "stop", "name": "brief"})
        assert ward.owner.wait("brief", lambda news: news.state == "stopped" and news.exits == 1, 20)

    assert time.monotonic() - begun < 30
    assert ward.owner.news("brief").code == -signal.SIGTERM


def test_only_what_its_policy_restarts_comes_back_when_the_warm_python_is_killed(ward: Forked) -> None:
    ward.run("comes_back", WAITS, restart="unless-stopped")
    ward.run("stays_away", WAITS)
    before, away = ward.here("comes_back"), ward.here("stays_away")
    warm = before.parent()
    assert warm and warm.pid != ward.owner.pid
    warm.kill()

    assert ward.owner.wait("comes_back", lambda news: news.starts == 2 and news.state == "running", 20)
    eventually(lambda: gone([before, away, warm]), 5, "the former ones have ended")
    assert ward.owner.news("stays_away").state == "stopped"
    assert ward.owner.news("stays_away").code == -signal.SIGKILL
    again = psutil.Process(ward.owner.news("comes_back").pid)
    assert again.parent() != warm
    ward.owner.order({"do": "stop", "name": "comes_back"})


@on_linux
def test_nothing_outlives_a_guard_that_is_killed(tmp_path: Path) -> None:
    ward = Forked(tmp_path / "system")
    ward.run("it", WAITS, restart="always")
    process = ward.here("it")
    family = [process, process.parent() or process]
    os.kill(ward.owner.pid, signal.SIGKILL)

    eventually(lambda: gone(family), 5, "the warm Python and its fork have ended")
