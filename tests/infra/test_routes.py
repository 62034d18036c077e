"""Who answers for which path behind the gateway, and how that changes while requests come in."""

import threading
from collections.abc import Iterator

import pytest
import requests

from labs.infra.gateway import RouteError
from labs.infra.gateway.routes import Routes
from tests.infra.front import PATHS, Front


@pytest.fixture
def moved(front: Front) -> Iterator[Routes]:
    """The routes, to change; afterwards all capabilities are with the services again."""
    yield front.routes
    for capability in front.routes.show():
        front.routes.move(capability, "services")


@pytest.mark.parametrize(
    ("capability", "service", "path"), [(c, s, p) for c, (s, paths) in PATHS.items() for p in paths]
)
def test_each_path_goes_to_its_service_and_with_its_capability_to_the_monolith(
    front: Front, moved: Routes, capability: str, service: str, path: str
) -> None:
    asked = front.ask(path).json()
    assert (asked["name"], asked["path"]) == (service, path)

    moved.move(capability, "monolith")
    assert front.who(path) == "monolith"
    assert [name for name, (_, paths) in PATHS.items() if front.who(paths[0]) == "monolith"] == [capability]


def test_reports_are_the_monoliths_alone(front: Front) -> None:
    assert front.who("/reports/low-stock") == "monolith"


@pytest.mark.parametrize(("to", "percent", "share"), [("services", 20, 20), ("monolith", 35, 65), ("services", 0, 0)])
def test_a_part_of_the_requests_is_moved(front: Front, moved: Routes, to: str, percent: int, share: int) -> None:
    moved.move("orders", to, percent)
    assert moved.show() == {"users": 100, "catalogue": 100, "stock": 100, "orders": share, "notifications": 100}

    with requests.Session() as session:
        said = [session.get(f"http://{front.address}/orders", timeout=5).json()["name"] for _ in range(500)]
    # 500 throws of a coin with this share: six standard deviations either way.
    assert abs(said.count("order-api") - 5 * share) <= 6 * (5 * share * (100 - share) / 100) ** 0.5


def test_no_request_fails_while_a_capability_moves_to_and_fro(front: Front, moved: Routes) -> None:
    over, failed, who = threading.Event(), list[int](), set[str]()

    def load() -> None:
        with requests.Session() as session:
            while not over.is_set():
                answer = session.get(f"http://{front.address}/stock", timeout=5)
                who.add(answer.json()["name"])
                failed.extend([] if answer.ok else [answer.status_code])

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(40):
        moved.move("stock", ("monolith", "services")[turn % 2])
    over.set()
    for thread in threads:
        thread.join()

    assert failed == []
    assert who == {"monolith", "inventory-api"}


@pytest.mark.parametrize(
    ("capability", "to", "percent", "words"),
    [
        ("ordrs", "services", 100, r"no capability 'ordrs'. Known: catalogue, notifications, orders, stock, users\."),
        ("orders", "service", 100, "go to the monolith or to the services, not to 'service'"),
        ("orders", "services", 101, "whole number from 0 to 100, not 101"),
        ("orders", "services", -1, "not -1"),
        ("orders", "services", 12.5, "not 12.5"),
        ("orders", "services", True, "not True"),
    ],
)
def test_what_cannot_be_moved_is_said_and_nothing_moves(
    front: Front, capability: str, to: str, percent: int, words: str
) -> None:
    with pytest.raises(RouteError, match=words):
        front.routes.move(capability, to, percent)

    assert set(front.routes.show().values()) == {100}


def test_a_gateway_that_is_not_there_is_named() -> None:
    with pytest.raises(RouteError, match=r"127\.0\.0\.1:1 does not answer"):
        Routes("127.0.0.1:1").show()
