"""A learner's service that is asked over HTTP: its api.py makes it a part of the system, and its worker may come later."""

from collections.abc import Iterator

import pytest
import requests

from labs.classroom import watching
from labs.classroom.workshop import Workshop
from labs.infra.system import System
from labs.services.chassis.events import Event
from tests.ground import Ground
from tests.infra.nodes import eventually

API = """
from labs.services.chassis.api import create_api
from labs.services.chassis.settings import Settings, load
from labs.services.greeting import words


def create_app():
    app = create_api("greeting-service", load(Settings))
    app.get("/greeting")(lambda: {"said": words.GREETING})
    return app
"""
WORKER = """
from labs.services.chassis.handler import ServiceDatabase, handle_event


class GreetingWorker:
    name = "greeting-service"
    db = ServiceDatabase()

    @handle_event("user-service", "user_registered")
    def greet(self, event, tx):
        pass
"""


@pytest.fixture(scope="module")
def system(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its broker is shared
    made = System("asked")
    try:
        made.up("broker-setup")
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def workshop(system: System) -> Workshop:
    """In which the service has been written."""
    made = Workshop(system, lambda _: None)
    assert made.replace("greeting/words.py", 'GREETING = "good morning"').status == "stored"
    assert made.replace("greeting/api.py", API).status == "running"
    return made


def said(system: System) -> str:
    return str(requests.get(f"http://{system.address('greeting-service')}/greeting", timeout=5).json()["said"])


def test_a_cell_called_api_is_a_process_that_answers(system: System, workshop: Workshop) -> None:
    assert workshop.attempt("greeting/api.py").status == "running"
    assert system.state("greeting-api") == "running"
    assert said(system) == "good morning"


def test_another_file_of_it_is_what_runs_from_then_on(system: System, workshop: Workshop) -> None:
    assert workshop.replace("greeting/words.py", 'GREETING = "good evening"').status == "running"
    assert said(system) == "good evening"


def test_a_worker_joins_it_and_both_are_one_service(system: System, workshop: Workshop) -> None:
    before = system.pid("greeting-api")
    assert workshop.replace("greeting/worker.py", WORKER).status == "running"
    assert system.pid("greeting-api") == before, "nobody had to restart it"
    assert {n for n, s in system.services.items() if s.group == "greeting-service"} == {
        "greeting-migrate",
        "greeting-api",
        "greeting-worker",
    }
    event = Event("user-service", "user_registered", {})
    watching.tell(system, event)
    eventually(lambda: watching.claimed(system, "greeting", event.id), 10, "it hears of it")
