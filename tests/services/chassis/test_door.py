"""When the door of an API is open: gunicorn with our worker, as docker-compose.yml starts it."""

import os
import subprocess
import sys

import psutil
import pytest
import requests

from tests.infra.nodes import eventually
from tests.services.unit.outside_stand import Process, free_port

SLOW = """
import pathlib, time

def create_app():
    while not pathlib.Path("enough").exists():
        time.sleep(0.02)
    return lambda environ, start: [start("200 OK", []), b"well"][1:]
"""


@pytest.fixture
def api(tmp_path):
    """An API with one open connection."""
    process = Process(tmp_path)
    assert process.ask("GET", "/health/ready").status_code == 200
    yield process
    process.stop()


@pytest.fixture
def leaving(api):
    """It has been sent SIGTERM."""
    api.leave()
    return api


def refused(address):
    """Whether nobody listens."""
    try:
        requests.get(f"http://{address}/health/live", timeout=2)
    except requests.ConnectionError as error:
        return "refused" in str(error)
    return False


def test_it_lets_nobody_in_before_it_can_answer(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "gunicorn", "-c", "python:labs.services.chassis.gunicorn", "slow:create_app()"]
    given = {"SERVICE": "slow-service", "BIND": address}
    with subprocess.Popen(command, env=os.environ | given, cwd=tmp_path) as process:
        try:
            eventually(lambda: psutil.Process(process.pid).children(), 30, "its worker is about to be ready")
            assert refused(address)
            (tmp_path / "enough").touch()
            eventually(lambda: not refused(address), 15, "it listens")
            assert requests.get(f"http://{address}", timeout=5).text == "well"
        finally:
            process.terminate()


def test_who_asks_on_an_open_connection_hears_that_it_is_alive_and_not_ready(leaving):
    said = []
    eventually(lambda: said.append(leaving.ask("GET", "/health/ready")) or not said[-1].ok, 2, "it says that it leaves")
    assert (said[-1].status_code, said[-1].json()["status"]) == (503, "fail")
    assert "SIGTERM" in said[-1].json()["checks"]["presence"]
    assert said[-1].headers["Connection"] == "close"


def test_whoever_comes_now_is_refused_at_once(leaving):
    eventually(lambda: refused(leaving.http), 2, "nobody listens")


def test_the_worker_shuts_the_door_though_its_master_is_slow_to_let_go_of_it(api):
    master = psutil.Process(api.pid)
    (worker,) = master.children()
    master.suspend()
    try:
        worker.terminate()
        eventually(lambda: refused(api.http), 2, "nobody is let in whom nobody will answer")
    finally:
        master.resume()


def test_a_worker_that_leaves_alone_is_followed_by_one_that_opens_the_door(api):
    master = psutil.Process(api.pid)
    (worker,) = master.children()
    worker.terminate()
    eventually(lambda: master.children() not in ([], [worker]), 15, "another is there")
    eventually(lambda: not refused(api.http), 15, "it listens")
    assert requests.get(f"http://{api.http}/health/ready", timeout=10).status_code == 200
