"""How an API leaves: gunicorn with our worker, as docker-compose.yml starts it."""

import pytest
import requests

from tests.infra.nodes import eventually
from tests.services.unit.outside_stand import Process


@pytest.fixture
def leaving(tmp_path):
    """An API with one open connection, which has been sent SIGTERM."""
    process = Process(tmp_path)
    assert process.ask("GET", "/health/ready").status_code == 200
    process.leave()
    yield process
    process.stop()


def test_who_asks_on_an_open_connection_hears_that_it_is_alive_and_not_ready(leaving):
    said = []
    eventually(lambda: said.append(leaving.ask("GET", "/health/ready")) or not said[-1].ok, 2, "it says that it leaves")
    assert (said[-1].status_code, said[-1].json()["status"]) == (503, "fail")
    assert "SIGTERM" in said[-1].json()["checks"]["presence"]
    assert said[-1].headers["Connection"] == "close"


def test_whoever_comes_now_is_refused_at_once(leaving):
    def refused():
        try:
            requests.get(f"http://{leaving.http}/health/live", timeout=5)
        except requests.ConnectionError as error:
            return "refused" in str(error)
        return False

    eventually(refused, 2, "nobody listens")
