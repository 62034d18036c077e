"""A cell that cannot run is told why, and the service goes on with the code it had before."""

from collections.abc import Iterator

import psutil
import pytest

from labs.classroom import workshop
from labs.classroom.shop import Shop
from labs.classroom.slips import NobodyListens, Slip
from labs.classroom.workshop import Workshop
from labs.infra.system import System

WORKER = "order/worker.py"
LISTENER = """
from labs.services.chassis.handler import ServiceDatabase, handle_event


class LoyaltyWorker:
    name = "loyalty-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_confirmed")
    def count(self, event, tx):
        open("points", "a").write(event.data["order_id"] + " ")
"""


@pytest.fixture(scope="module")
def system(ground) -> Iterator[System]:  # noqa: ARG001  its broker is shared
    running = System("cells")
    try:
        running.up("user-service", "order-service", "inventory-service", "outside", timeout=90)
        yield running
    finally:
        running.down()


@pytest.fixture
def cells(system: System) -> Workshop:
    return Workshop(system, lambda _path: None)


def confirms(system: System) -> bool:
    """Whether order-service hears what the stock says; with GOOD, which has no saga, an order stays confirmed."""
    shop = Shop(system)
    shop.stock("tea", 1)
    order = shop.place(("tea", 1))
    return shop.wait([order], still={"placed"})[order].status in ("confirmed", "paid", "fulfilled")


def fulfils(system: System) -> bool:
    """Whether the shop does all that it did before a learner touched it."""
    shop = Shop(system)
    shop.stock("tea", 1)
    order = shop.place(("tea", 1))
    return shop.wait([order])[order].status == "fulfilled"


def test_a_syntax_error_is_told_and_touches_no_process(system: System, cells: Workshop) -> None:
    before = system.pid("order-worker")
    attempt = cells.replace(WORKER, "class OrderWorker:\n    def confirm(self, event tx):\n        pass\n")

    assert attempt.status == "broken"
    assert "line 2" in attempt.trouble
    assert "def confirm(self, event tx)" in attempt.trouble
    assert system.pid("order-worker") == before
    assert fulfils(system)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import tea_leaves\n", ["ModuleNotFoundError: No module named 'tea_leaves'", WORKER]),
        ("raise SystemExit(5)\n", ["order-worker ended with exit code 5"]),
        ("name = 'no class at all'\n", ["must define one class with a `name`; found: none"]),
    ],
)
def test_code_that_does_not_start_is_told_with_its_own_lines(
    system: System, cells: Workshop, source: str, words: list[str]
) -> None:
    attempt = cells.replace(WORKER, source)

    assert attempt.status == "broken"
    assert [word for word in words if word not in attempt.trouble] == []
    assert "/labs/infra/" not in attempt.trouble
    assert "class OrderWorker" in cells.code("order")["worker.py"]
    assert fulfils(system)


def test_an_endless_loop_is_given_up_and_leaves_no_process(
    system: System, cells: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop, "READY_WITHIN", 8.0)
    attempt = cells.replace(WORKER, "while True:\n    pass\n")

    assert attempt.status == "broken"
    assert "order-worker was not ready within 8 s" in attempt.trouble
    warm = psutil.Process(system.pid("order-worker")).parent()
    assert warm
    workers = [p for p in warm.children() if p.pid == system.pid("order-worker")]
    assert len(workers) == 1
    assert all(process.cpu_percent(0.5) < 60 for process in warm.children()), "the loop runs on"
    assert fulfils(system)


def test_a_new_consumer_that_failed_starts_once_its_code_is_right(system: System, cells: Workshop) -> None:
    wrong = cells.replace("loyalty/worker.py", LISTENER.replace("ServiceDatabase()", "no_such_name"))
    assert wrong.status == "broken"
    assert "NameError: name 'no_such_name' is not defined" in wrong.trouble

    assert cells.replace("loyalty/worker.py", LISTENER).status == "running"
    assert system.state("loyalty-worker") == "running"


GOOD = """
from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.order import store
from labs.services.order.domain import Status


class OrderWorker:
    name = "order-service"
    db = ServiceDatabase()

    @handle_event("inventory-service", "stock_reserved")
    def confirm(self, event, tx):
        store.settle(tx, event.data["order_id"], Status.CONFIRMED)
"""
STARTS_ONCE = """
import pathlib

seen = pathlib.Path("started-once")
if seen.exists():
    raise RuntimeError("not a second time")
seen.touch()
"""


def test_code_that_starts_once_and_never_again_does_not_take_the_service_with_it(system: System) -> None:
    cells = Workshop(system, lambda _path: GOOD)
    assert cells.replace(WORKER, STARTS_ONCE + GOOD).status == "running"
    attempt = cells.replace(WORKER, "this_name_is_not_defined\n")

    assert attempt.status == "broken"
    assert "NameError" in attempt.trouble
    assert cells.replace(WORKER, GOOD).status == "running"
    assert confirms(system)


def test_a_service_that_no_broker_knows_is_refused_before_it_counts_as_running(system: System, cells: Workshop) -> None:
    attempt = cells.replace(WORKER, GOOD.replace("inventory-service", "warehouse"))

    assert attempt.status == "broken"
    assert "warehouse.events" in attempt.trouble
    assert confirms(system)


def test_a_file_that_no_service_has_is_named_with_the_one_that_was_meant(cells: Workshop) -> None:
    with pytest.raises(Slip, match=r"Did you mean order/limits\.py"):
        cells.replace("order/limit.py", "LARGEST_QUANTITY = 10\n")


def test_an_interrupted_cell_leaves_the_code_that_ran(
    system: System, cells: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    restart, interrupted = system.restart, []

    def interrupt_the_first(*names: str, timeout: float) -> None:
        if not interrupted:
            interrupted.append(names)
            raise KeyboardInterrupt
        restart(*names, timeout=timeout)

    monkeypatch.setattr(system, "restart", interrupt_the_first)
    attempt = cells.replace(WORKER, GOOD.replace("CONFIRMED", "REJECTED"))

    assert attempt.status == "broken"
    assert "interrupted" in attempt.trouble
    assert confirms(system)


def test_what_was_stopped_by_hand_stays_down_when_its_file_changes(system: System, cells: Workshop) -> None:
    system.stop("order-service")
    try:
        assert cells.replace(WORKER, GOOD).status == "stored"
        assert system.state("order-worker") == "stopped"
        with pytest.raises(NobodyListens, match=r'lab\.up\("order-service"\)'):
            Shop(system).place(("tea", 1))
    finally:
        system.start("order-service")
    assert confirms(system)
