"""Services of a learner's own that wait for each other: they join a running system, customers come in a rush, and what is wrong
outside meanwhile is counted and mended."""

from collections.abc import Iterator
from typing import Any

import pytest

from labs.classroom import rushing
from labs.classroom.load import NO_ANSWER, Outcome, Report
from labs.classroom.references import reference
from labs.classroom.rushing import Rush, Rushing
from labs.classroom.shop import Shop
from labs.classroom.slips import Slip
from labs.classroom.workshop import Workshop
from labs.infra.system import System
from tests.ground import Ground
from tests.infra.nodes import eventually

LAB = "15_pitfall_synchronous_everything"
FILES = ("checkout/wire.py", "checkout/asking.py", "checkout/frame.py", "checkout/api.py")
CHECKOUT = "checkout-service"


class Standing(Rushing):
    """That part of a lab alone."""

    def __init__(self, system: System) -> None:
        self.system, self.shop = system, Shop(system)


@pytest.fixture(scope="module")
def lab(ground: Ground) -> Iterator[Standing]:  # noqa: ARG001  its broker is shared
    made = System("rushing")
    try:
        made.up("broker-setup", "outside")
        workshop = Workshop(made, lambda _: None)
        assert [workshop.replace(path, reference(LAB, path) or "").status for path in FILES] == ["stored"] * 3 + [
            "running"
        ]
        yield Standing(made)
    finally:
        made.down()


def on(lab: Standing) -> list[str]:
    """The faults that are on."""
    return [fault["name"] for fault in lab.shop.get("outside", "/faults").json()["items"] if fault["on"]]


def report(*statuses: int) -> Report:
    return Report([Outcome(0.0, 0.1, status, None) for status in statuses])


def test_a_cell_called_api_is_a_process_that_answers(lab: Standing) -> None:
    eventually(lambda: lab.charge(CHECKOUT).status_code == 201, 10, "payments charges what checkout hands on")
    assert lab.charge(CHECKOUT, "card-declined").status_code == 402
    assert len(rushing.spans(lab.system, "checkout-api")) >= 2


def test_between_a_service_and_what_it_asks_the_same_program_comes_once_more(lab: Standing) -> None:
    rushing.between(lab.system, CHECKOUT, "till")
    before = lab.system.pid("till-api")
    assert before not in (0, lab.system.pid("checkout-api"))
    eventually(lambda: lab.charge(CHECKOUT).status_code == 201, 10, "through both of them")
    assert rushing.spans(lab.system, "till-api")
    rushing.between(lab.system, CHECKOUT, "till")
    assert lab.system.pid("till-api") == before, "once is enough"


def test_who_asks_for_a_service_that_is_not_there_is_told_what_to_run(lab: Standing) -> None:
    with pytest.raises(Slip, match=r"%%service kiosk/api\.py"):
        rushing.between(lab.system, "kiosk-service", "till")


def test_a_changed_file_restarts_all_processes_of_its_program(lab: Standing) -> None:
    rushing.between(lab.system, CHECKOUT, "till")
    before = {lab.system.pid(process) for process in ("checkout-api", "till-api")}
    path = "checkout/wire.py"
    assert Workshop(lab.system, lambda _: None).replace(path, reference(LAB, path) or "").status == "running"
    assert not before & {lab.system.pid(process) for process in ("checkout-api", "till-api")}


def test_a_rush_counts_what_met_the_trouble_and_leaves_none(lab: Standing) -> None:
    rush = lab.rush(CHECKOUT, 3, "payments_500", mended=False)
    assert (rush.arrived, rush.served, rush.amplification) == (3, 0.0, 1.0)
    assert rush.looks.statuses() == {200: 3}
    assert len(set(rush.orders)) == 3
    assert on(lab) == []
    assert 1 <= lab.most_threads("checkout-api", rush) <= 8


def test_a_rush_with_nothing_wrong_has_met_nothing(lab: Standing) -> None:
    rush = lab.rush(CHECKOUT, 2)
    assert rush.arrived == 0
    assert len(rush.buys.outcomes) == len(rush.looks.outcomes) == 2


def test_who_got_no_answer_was_not_served() -> None:
    rush = Rush(("a", "b", "c", "d"), report(201, 503, NO_ANSWER, 201), report(200), 0.0, 1.0, arrived=6)
    assert (rush.served, rush.amplification) == (0.5, 1.5)


@pytest.mark.parametrize(
    ("spans", "most"),
    [
        ([], 0),
        ([(1.0, 2.0), (3.0, 4.0)], 1),
        ([(1.0, 2.0), (2.0, 3.0)], 1),
        ([(1.0, 4.0), (2.0, 3.0), (2.5, 5.0)], 3),
    ],
    ids=["nobody", "apart", "one after the other", "together"],
)
def test_threads_in_use_are_those_that_overlap(spans: Any, most: int) -> None:
    found = rushing.steps(spans, since=1.0)
    assert max((number for _, number in found), default=0) == most
    assert [moment for moment, _ in found] == sorted(moment for moment, _ in found)
    assert not found or found[-1][1] == 0
