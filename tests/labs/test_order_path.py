"""One path runs in as many services as a cut says, each with its own steps, and the next one's address."""

from collections.abc import Iterator

import pytest
import requests

from labs.classroom import order_path
from labs.classroom.order_path import OrderPath
from labs.classroom.workshop import Workshop
from labs.infra.system import System
from tests.ground import Ground

SAYS = """
import os

from labs.services.chassis.api import create_api
from labs.services.chassis.settings import Settings, load


def create_app():
    app = create_api("part", load(Settings))

    @app.get("/part")
    def part():
        return {name: os.environ[name] for name in ("SERVICE", "STEPS", "NEXT_URL")}

    return app
"""
"""What a service was told when it was started."""


@pytest.fixture(scope="module")
def system(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its folder is the session's
    made = System("order-path")
    try:
        assert Workshop(made, lambda _: None).replace("checkout/template.py", SAYS).status == "stored"
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def path(system: System) -> OrderPath:
    return OrderPath(system)


def told(system: System, name: str) -> dict[str, str]:
    return dict(requests.get(f"http://{system.address(order_path.process(name))}/part", timeout=5).json())


def test_the_first_service_is_called_as_the_door_and_the_others_as_their_first_step():
    assert order_path.names([["a", "b"], ["c", "d"], ["e"]]) == ["checkout", "c", "e"]
    assert order_path.settings([["a", "b"], ["c"]]) == {
        "checkout": {"STEPS": "a,b", "NEXT_URL": "http://c-api:8000"},
        "c": {"STEPS": "c", "NEXT_URL": ""},
    }


def test_a_cut_becomes_processes_and_another_cut_replaces_them(system: System, path: OrderPath) -> None:
    path.arrange([["a"], ["b", "c"], ["d"]])
    assert told(system, "checkout") == {
        "SERVICE": "checkout-service",
        "STEPS": "a",
        "NEXT_URL": f"http://{system.address('b-api')}",
    }
    assert told(system, "b")["STEPS"] == "b,c"
    assert told(system, "d")["NEXT_URL"] == ""

    path.arrange([["a", "b", "c"], ["d"]])
    assert path.names == ["checkout", "d"]
    assert told(system, "checkout")["NEXT_URL"] == f"http://{system.address('d-api')}"
    assert system.state("b-api") == "stopped"


def test_a_cut_that_runs_already_is_left_alone(system: System, path: OrderPath) -> None:
    path.arrange([["a"], ["d"]])
    before = {system.pid(name) for name in path.processes}
    path.arrange([["a"], ["d"]])
    assert {system.pid(name) for name in path.processes} == before


def test_its_cost_is_counted_over_the_masters_and_the_workers_of_all_its_services(
    system: System, path: OrderPath
) -> None:
    path.arrange([["a"], ["d"]])
    one = path._cpu()  # what `weigh` counts with; the whole of it needs a shop
    for _ in range(100):
        told(system, "d")
    assert path._cpu() > one > 0
