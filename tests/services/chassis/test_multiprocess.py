"""Several worker processes behind one port: what each counts is added up, whoever is asked, and stays when one of them dies."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from labs.services.chassis import multiprocess
from tests.infra.nodes import eventually
from tests.services.unit.outside_stand import free_port

APP = """
import os
from labs.services.chassis import metrics
from labs.services.chassis.api import create_api
from labs.services.chassis.settings import Settings, load

SOLD = metrics.counter("things_sold_total", "Things that were sold")
WAITING = metrics.gauge("customers_waiting", "Customers of this process")
SHELF = metrics.gauge("shelf_things", "Things on the one shelf that all look at", shared=True)

def create_app():
    app = create_api("several", load(Settings))

    @app.get("/sell/<int:left>")
    def sell(left):
        SOLD.inc()
        WAITING.set(1)
        SHELF.set(left)
        return {"pid": os.getpid()}

    return app
"""
STARTS = {
    "from nothing": ["-m", "gunicorn"],
    # As a fork of labs/infra/warm.py: prometheus_client is there before the service is.
    "forked": [
        "-c",
        "import prometheus_client, runpy; runpy.run_module('gunicorn', run_name='__main__', alter_sys=True)",
    ],
}


class Several:
    """An API of several processes at `url`; `folder` is where they keep what they count."""

    def __init__(self, url: str, process: "subprocess.Popen[bytes]", folders: Path) -> None:
        self.url, self.process, self._folders = url, process, folders
        self.sold = 0

    @property
    def folder(self) -> list[Path]:
        return list(self._folders.glob("metrics-*"))

    @property
    def workers(self) -> set[int]:
        return {child.pid for child in psutil.Process(self.process.pid).children()}

    def sell(self, left: int = 0) -> int:
        """Returns the id of the process that did it; each time on a connection of its own."""
        answer = requests.get(f"{self.url}/sell/{left}", timeout=10)
        self.sold += 1
        return int(answer.json()["pid"])

    def sell_by_all(self) -> None:
        """Until each of the processes has sold something."""
        sellers: set[int] = set()
        eventually(
            lambda: sellers.add(self.sell(left=self.sold)) or sellers >= self.workers, 30, "all have sold something"
        )

    def metric(self, name: str) -> float:
        said = requests.get(f"{self.url}/metrics", timeout=10).text
        found = [s for family in text_string_to_metric_families(said) for s in family.samples if s.name == name]
        return sum(sample.value for sample in found)


@contextmanager
def several(folder: Path, workers: int, how: str = "from nothing") -> Iterator[Several]:
    (folder / "several_app.py").write_text(APP)
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, *STARTS[how], "-c", "python:labs.services.chassis.gunicorn", "several_app:create_app()"]
    given = {"SERVICE": "several-service", "BIND": address, "WEB_CONCURRENCY": str(workers), "TMPDIR": str(folder)}
    with subprocess.Popen(command, env=os.environ | given, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            made = Several(f"http://{address}", process, folder)
            eventually(lambda: len(made.workers) == workers and answers(made), 60, "they answer")
            yield made
        finally:
            process.terminate()
            process.wait(20)


def answers(made: Several) -> bool:
    try:
        return requests.get(f"{made.url}/health/ready", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("how", STARTS)
def test_requests_to_two_processes_are_counted_once_each_whoever_is_asked(tmp_path, how):
    with several(tmp_path, 2, how) as api:
        assert len(api.workers) == 2
        api.sell_by_all()
        for _ in range(10):
            assert api.metric("things_sold_total") == api.sold
            assert api.metric("http_server_request_duration_seconds_count") == api.sold
            assert api.metric("customers_waiting") == 2, "one of each process"
            assert api.metric("shelf_things") == api.sold - 1, "all look at one shelf, and the latest look counts"


def test_what_a_killed_process_has_counted_stays_and_its_files_go(tmp_path):
    with several(tmp_path, 2) as api:
        api.sell_by_all()
        for _ in range(2):
            dead = min(api.workers)
            os.kill(dead, signal.SIGKILL)
            eventually(
                lambda gone=dead: gone not in api.workers and len(api.workers) == 2, 20, "another takes its place"
            )
            api.sell_by_all()
            assert api.metric("things_sold_total") == api.sold
            assert api.metric("http_server_request_duration_seconds_count") == api.sold
            assert api.metric("customers_waiting") == 2, "the dead one's customers are gone"
        (folder,) = api.folder
        owners = {path.stem.rpartition("_")[2] for path in folder.glob("*.db")}
        assert owners == {str(pid) for pid in api.workers} | {multiprocess.ENDED}
    assert api.folder == [], "nothing is left of it when all have ended"


def test_one_that_leaves_alone_leaves_the_door_open_for_the_others(tmp_path):
    with several(tmp_path, 2) as api:
        before = api.workers
        os.kill(min(before), signal.SIGTERM)
        asked = 0
        while min(before) in api.workers or asked < 20:
            asked += bool(api.sell())
        assert api.metric("things_sold_total") == api.sold


def test_one_process_counts_by_itself_as_ever(tmp_path):
    with several(tmp_path, 1) as api:
        api.sell_by_all()
        assert api.folder == []
        assert api.metric("things_sold_total") == api.sold
        assert api.metric("process_resident_memory_bytes") > 1e6


def test_a_process_killed_at_its_birth_has_counted_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(multiprocess, "_folder", tmp_path)
    (tmp_path / "counter_17.db").touch()
    multiprocess.ended(17)
    assert list(tmp_path.glob("*.db")) == []
