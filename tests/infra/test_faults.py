"""Faults and delays by name: one table, switched in a system that runs, by `lab faults` and by notebooks, and gone with it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from labs.classroom.faulty import Faults
from labs.classroom.slips import Slip
from labs.infra import compose
from labs.infra.faults import FaultError, laying
from labs.infra.faults.board import SWITCHES, Board
from labs.infra.faults.named import DELAYS, OUTSIDE, WIRE, every, find
from labs.infra.home import PROJECT
from labs.infra.start_error import StartError
from labs.infra.system import COMPOSE_FILE, System
from labs.infra.variables import Variables
from labs.services.outside.faults import FAULTS
from tests.ground import Ground

LAB = [str(Path(sys.executable).with_name("lab"))]


@pytest.fixture(scope="module")
def system(ground: Ground) -> Iterator[System]:  # noqa: ARG001  a LAB_HOME of its own
    """One that has both places where faults strike."""
    made = System("faults")
    try:
        made.up("wire", "outside")
        yield made
    finally:
        made.down()


@pytest.fixture
def board(system: System) -> Iterator[Board]:
    made = Board({where: system.address(where, port) for where, port in SWITCHES.items()})
    yield made
    made.clear()


def lab(*words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "COLUMNS": "250", "TERM": "dumb"}
    return subprocess.run(
        [*LAB, *words], env=environment, capture_output=True, text=True, timeout=60, cwd=PROJECT, check=False
    )


# --- the table --------------------------------------------------------------------------------------------------------


def test_every_fault_of_the_world_outside_and_every_line_is_in_the_one_table() -> None:
    assert every().keys() == FAULTS.keys() | DELAYS.keys()
    assert {fault.where for fault in every().values()} == {OUTSIDE, WIRE}
    assert all(fault.description and (fault.default > 0) == bool(fault.unit) for fault in every().values())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("wire_invntory", None, r"no fault 'wire_invntory'\. Did you mean wire_inventory"),
        ("moon", None, r"no fault 'moon'\. `lab faults` lists them all"),
        ("payments_500", 3.0, "payments_500 is on or off: it takes no value"),
        ("payments_slow", 601.0, "from 0 to 600 s, not 601"),
        ("wire_user", -1.0, "from 0 to 10000 ms, not -1"),
        ("wire_user", float("nan"), "not nan"),
        ("wire_user", True, "not True"),
    ],
)
def test_what_a_fault_cannot_be_is_said(name: str, value: float | None, words: str) -> None:
    with pytest.raises(FaultError, match=words):
        find(name).value(value)


def test_with_a_wire_nobody_asks_past_it_and_without_one_nobody_knows_of_it() -> None:
    with_wire = compose.read(COMPOSE_FILE, Variables(**laying.variables()))
    without = compose.read(COMPOSE_FILE, Variables())

    def told(services: dict[str, compose.Service], address: str) -> set[str]:
        return {name for name, s in services.items() for value in s.environment.values() if f"//{address}" in value}

    for upstream, port in laying.LINES.values():
        assert told(with_wire, upstream) == set()
        assert told(with_wire, f"{WIRE}:{port}") == told(without, upstream) != set()
        assert told(without, f"{WIRE}:{port}") == set()
        assert (f"0.0.0.0:{port}", upstream) in zip(without[WIRE].command, without[WIRE].command[1:], strict=False)
        assert port in without[WIRE].ports


# --- in a system that runs --------------------------------------------------------------------------------------------


def test_all_of_them_can_be_seen_and_none_is_on(board: Board) -> None:
    assert board.show().keys() == every().keys()
    assert {str(switch) for switch in board.show().values()} == {"off"}


@pytest.mark.parametrize(
    ("name", "value", "nth", "shown"),
    [
        ("wire_inventory", None, None, "on: 50 ms"),
        ("wire_inventory", 5.0, None, "on: 5 ms"),
        ("payments_slow", None, None, "on: 3 s"),
        ("payments_slow", 0.5, 4, "on: 0.5 s, 1 request in 4"),
        ("carrier_500", None, None, "on"),
    ],
)
def test_one_is_set_and_cleared(board: Board, name: str, value: float | None, nth: int | None, shown: str) -> None:
    assert str(board.set(name, value, nth)) == shown
    assert {n: str(switch) for n, switch in board.show().items() if switch.on} == {name: shown}
    assert board.clear(name) == [name]
    assert board.clear(name) == []


def test_all_are_cleared_at_once_wherever_they_strike(board: Board) -> None:
    for name in ("wire_user", "payments_slow", "smtp_drops"):
        board.set(name)
    assert set(board.clear()) == {"wire_user", "payments_slow", "smtp_drops"}
    assert not any(switch.on for switch in board.show().values())


def test_what_does_not_run_or_cannot_be_is_said(board: Board) -> None:
    with pytest.raises(FaultError, match=r"wire does not run here, so nothing can go wrong there\. Start wire"):
        Board({}).set("wire_user")
    with pytest.raises(FaultError, match=r"127\.0\.0\.1:1 does not answer"):
        Board({WIRE: "127.0.0.1:1"}).show()
    with pytest.raises(FaultError, match="wire_user delays all that passes, not 1 request in 3"):
        board.set("wire_user", 5, 3)


def test_what_runs_already_and_would_go_past_the_wire_is_named(ground: Ground) -> None:  # noqa: ARG001
    late = System("late")
    try:
        late.up("outside")
        with pytest.raises(StartError, match="outside would go past the wire"):
            late.up("wire")
    finally:
        late.down()


# --- a notebook -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_fault_that_is_set_for_a_block_ends_with_it_however_it_ends(
    system: System, board: Board, ending: type[BaseException]
) -> None:
    with pytest.raises(ending), Faults(system).on("wire_inventory", 7):
        assert str(board.look("wire_inventory")) == "on: 7 ms"
        raise ending
    assert not board.look("wire_inventory").on


def test_after_a_block_all_is_as_it_was_before(system: System, board: Board) -> None:
    faults = Faults(system)
    with faults.on("payments_slow", 2, 5):
        with faults.on("payments_slow", 1):
            assert str(board.look("payments_slow")).startswith("on: 1 s")
        assert str(board.look("payments_slow")) == "on: 2 s, 1 request in 5"
    assert str(board.look("payments_slow")) == "off"


def test_what_came_its_way_is_counted_and_still_known_when_it_is_over(system: System, board: Board) -> None:
    payments = f"http://{system.address(OUTSIDE)}/payments/charges"
    fault = Faults(system).on("payments_500", nth=1000)
    requests.post(payments, json={}, timeout=5)
    assert fault.met == 1
    fault.end()
    assert not board.look("payments_500").on
    fault.end()
    assert fault.met == 1


def test_what_a_learner_gets_wrong_is_a_sentence(system: System) -> None:
    with pytest.raises(Slip, match="Did you mean wire_user"), Faults(system).on("wire_users"):
        raise AssertionError("there is no such fault")
    with pytest.raises(Slip, match="takes no value"):
        Faults(system).set("payments_500", 3)


def test_a_fault_ends_with_the_system(ground: Ground) -> None:  # noqa: ARG001
    brief = System("brief")
    try:
        brief.up("wire")
        switches = brief.address(WIRE, laying.ADMIN_PORT)
        Board({WIRE: switches}).set("wire_user", 9)
    finally:
        brief.down()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{switches}/faults", timeout=5)


# --- a terminal -------------------------------------------------------------------------------------------------------


def test_lab_faults_lists_sets_and_clears_them(system: System, board: Board) -> None:
    done = lab("faults", "set", "wire_inventory", "5", "--system", system.id)
    assert (done.returncode, done.stdout.split(".")[0]) == (0, "wire_inventory is on: 5 ms")
    assert board.look("wire_inventory").value == 5

    shown = lab("faults", "--system", system.id).stdout
    assert re.search(r"wire_inventory +on: 5 ms +50 ms +wire +every round trip to inventory-service", shown)
    assert re.search(r"payments_500 +off +outside +every charge or refund is answered with 500", shown)

    assert lab("faults", "clear", "--system", system.id).stdout == "Cleared: wire_inventory\n"
    assert lab("faults", "clear", "wire_inventory", "--system", system.id).stdout == "Nothing was on.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set", "wire_inventori"], "Did you mean wire_inventory"),
        (["set", "payments_500", "3"], "takes no value"),
        (["clear", "--system", "nobody"], "No system 'nobody' runs that has faults"),
        (["--system", "nobody"], "No system 'nobody' runs that has faults"),
    ],
)
def test_lab_faults_says_what_is_wrong_in_words(system: System, words: list[str], said: str) -> None:
    assert system.state(WIRE) == "running"
    done = lab("faults", *words)
    assert done.returncode == 1
    assert said in done.stdout.replace("\n", " ")
    assert "Traceback" not in done.stdout + done.stderr
