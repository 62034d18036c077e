"""A system comes up as its file says, fails with its own words, and leaves nothing behind."""

import socket
import time
from collections.abc import Callable

import psutil
import pytest
import requests

from labs.classroom.shop import Shop
from labs.infra.compose import ComposeError
from labs.infra.owner import GuardLost
from labs.infra.start_error import StartError
from labs.infra.system import System
from tests.infra.nodes import eventually, gone
from tests.infra.small import add, entry, task

Make = Callable[..., System]


def began(system: System, name: str) -> bool:
    """Whether the process of a small service has said its first word."""
    return system.log(name).exists() and "begins" in system.log(name).read_text()


def test_an_order_is_fulfilled_and_three_mails_say_so(shop: System) -> None:
    customer = Shop(shop)
    customer.stock("thin-line", 3)
    order = customer.place(("thin-line", 2))

    assert customer.wait([order])[order].status == "fulfilled"
    assert customer.available("thin-line") == 1
    assert sorted(mail["subject"] for mail in customer.wait_for_mails(3, order_id=order)) == [
        "We received your payment",
        "Your order is confirmed",
        "Your order is on its way",
    ]


def test_an_order_beyond_the_stock_is_rejected_with_the_reason(shop: System) -> None:
    customer = Shop(shop)
    customer.stock("thin-line-2", 1)
    order = customer.place(("thin-line-2", 2))

    assert customer.wait([order])[order].reason == "thin-line-2: 2 wanted, 1 available"
    assert customer.available("thin-line-2") == 1


def test_what_runs_already_is_left_alone(shop: System) -> None:
    before = {name: shop.pid(name) for name in shop.services}

    assert shop.up("order-service") == []
    assert {name: shop.pid(name) for name in shop.services} == before


def test_a_restarted_service_is_another_process_at_the_same_address(shop: System) -> None:
    before, address = shop.pid("notification-api"), shop.address("notification-service")
    shop.restart("notification-api")

    assert shop.pid("notification-api") != before
    assert shop.address("notification-service") == address
    assert requests.get(f"http://{address}/health/ready", timeout=5).ok


def test_a_stopped_service_stays_down_and_comes_back_with_its_data(shop: System) -> None:
    customer = Shop(shop)
    customer.stock("kept", 7)
    shop.stop("inventory-service")
    try:
        assert shop.state("inventory-api") == shop.state("inventory-worker") == "stopped"
        with pytest.raises(requests.ConnectionError):
            customer.available("kept")
    finally:
        shop.start("inventory-service")

    assert customer.available("kept") == 7


def test_an_unknown_service_is_named_with_those_that_there_are(system: Make) -> None:
    with pytest.raises(ComposeError, match=r"no service 'ordr-service'\. Known: .*order-service"):
        system().up("ordr-service")


def test_a_service_that_crashes_at_start_says_why_at_once(system: Make) -> None:
    broken = system()
    add(broken, pot=entry("crash"), steady=entry("steady"))
    begun = time.monotonic()
    with pytest.raises(StartError) as error:
        broken.up("pot")

    assert time.monotonic() - begun < 10, "it waited for a service that was gone"
    assert "pot ended with exit code 3 while it started." in str(error.value)
    assert "  the cupboard is bare" in str(error.value)
    assert broken.state("pot") == "stopped", "it would crash on for ever"
    broken.up("steady")
    assert broken.state("steady") == "running"


def test_a_service_that_crashed_comes_up_once_it_is_mended(system: Make) -> None:
    mended = system()
    add(mended, pot=entry("crash"))
    with pytest.raises(StartError):
        mended.up("pot")
    add(mended, pot=entry("steady"))

    assert mended.up("pot") == ["pot"]
    assert requests.get(f"http://{mended.address('pot')}", timeout=5).ok


def test_a_service_that_never_becomes_ready_is_given_up_with_its_last_answer(system: Make) -> None:
    slow = system()
    add(slow, pot=entry("late"))
    with pytest.raises(StartError) as error:
        slow.up("pot", timeout=1.5)

    assert "pot was not ready within 1.5 s: " in str(error.value)
    assert "answers 503: still looking for the key" in str(error.value)
    assert "  late begins" in str(error.value)
    assert slow.state("pot") == "stopped"


def test_a_failed_task_keeps_down_what_waits_for_it(system: Make) -> None:
    broken = system()
    add(
        broken,
        leaves=task("crash"),
        pot=entry("steady", depends_on={"leaves": {"condition": "service_completed_successfully"}}),
    )
    with pytest.raises(StartError, match="leaves ended with exit code 3"):
        broken.up("pot")

    assert broken.state("pot") == ""


def test_a_task_is_run_once_more_with_another_command_beside_what_waited_for_it(system: Make) -> None:
    kitchen = system()
    done = {"tea-migrate": {"condition": "service_completed_successfully"}}
    add(kitchen, **{"tea-migrate": task("done"), "pot": entry("steady", depends_on=done)})
    kitchen.up("pot")
    pot = kitchen.pid("pot")

    kitchen.run_task("tea", "small", "done")
    with pytest.raises(StartError, match="tea-migrate ended with exit code 3") as error:
        kitchen.run_task("tea", "small", "crash")
    assert "the cupboard is bare" in str(error.value)
    assert kitchen.services["tea-migrate"].command[-1] == "done", "the next start is as the file says"
    assert kitchen.pid("pot") == pot


def test_what_waits_for_a_completed_task_begins_when_it_has_ended(system: Make) -> None:
    orderly = system()
    after = {"leaves": {"condition": "service_completed_successfully"}}
    add(orderly, leaves=task("done"), pot=entry("steady", depends_on=after), cup=entry("steady", depends_on=after))

    assert orderly.up("pot") == ["leaves", "pot"]
    assert orderly.state("leaves") == "stopped"
    assert orderly.up("cup") == ["cup"], "the task was done already"


@pytest.mark.parametrize(("condition", "waits"), [("service_healthy", True), ("service_started", False)])
def test_what_depends_on_a_service_waits_for_its_health_only_if_it_says_so(
    system: Make, condition: str, waits: bool
) -> None:
    patient = system()
    add(patient, pot=entry("late"), cup=entry("steady", depends_on={"pot": {"condition": condition}}))
    with pytest.raises(StartError, match="pot was not ready"):
        patient.up("cup", timeout=2)
    assert began(patient, "cup") is not waits

    (patient.directory / "open").touch()
    patient.up("cup")
    assert patient.state("pot") == patient.state("cup") == "running"


def test_a_server_without_a_policy_is_a_service_and_not_a_task(system: Make) -> None:
    plain = system()
    add(plain, pot=entry("steady", restart="no"), cup=entry("steady", depends_on=["pot"]))

    assert plain.up("cup", timeout=10) == ["pot", "cup"]


def test_a_service_of_a_profile_starts_only_when_it_is_named(system: Make) -> None:
    both = system()
    both.services.clear()
    add(both, pot=entry("steady"), cake=entry("steady", profiles=["birthday"]))

    assert both.up() == ["pot"]
    assert both.up("cake") == ["cake"]


def test_a_service_that_ignores_the_request_to_end_is_gone_after_its_grace(system: Make) -> None:
    deaf = system()
    add(deaf, pot=entry("stubborn"))
    deaf.up("pot")
    process, begun = psutil.Process(deaf.pid("pot")), time.monotonic()
    deaf.stop("pot")

    assert gone([process])
    assert 0.9 < time.monotonic() - begun < 6


def test_a_service_that_is_killed_comes_back_by_its_policy(system: Make) -> None:
    lasting = system()
    add(lasting, pot=entry("steady"))
    lasting.up("pot")
    killed = psutil.Process(lasting.pid("pot"))
    killed.kill()

    eventually(lambda: lasting.pid("pot") not in (0, killed.pid), 10, "it runs again")
    eventually(lambda: _answers(lasting.address("pot")), 10, "it answers at the same address")


def test_independent_services_start_side_by_side(system: Make) -> None:
    wide = system()
    add(wide, **{f"pot-{i}": entry("late") for i in range(4)})
    with pytest.raises(StartError):
        wide.up(*(f"pot-{i}" for i in range(4)), timeout=1.5)

    assert all(began(wide, f"pot-{i}") for i in range(4))


def test_a_port_that_somebody_else_took_meanwhile_is_named_in_its_last_lines(system: Make) -> None:
    unlucky = system()
    add(unlucky, pot=entry("steady"))
    host, _, port = unlucky.address("pot").rpartition(":")
    with socket.create_server((host, int(port))), pytest.raises(StartError, match="Address already in use"):
        unlucky.up("pot")


def test_a_system_without_its_guard_says_so_at_once(system: Make) -> None:
    lost = system()
    add(lost, pot=entry("steady"), cup=entry("late"))
    lost.up("pot")
    psutil.Process(lost.guard_pid).kill()
    begun = time.monotonic()
    with pytest.raises(GuardLost, match="Start the system again"):
        lost.up("cup")

    assert time.monotonic() - begun < 5
    eventually(lambda: lost.state("pot") == "stopped", 5, "what it looked after has ended")


def test_when_it_is_down_no_process_and_no_claim_is_left(system: Make) -> None:
    ended = system()
    add(ended, pot=entry("steady"), deaf=entry("stubborn"))
    ended.up("pot", "deaf")
    guard = psutil.Process(ended.guard_pid)
    family = [guard, *guard.children(recursive=True)]
    assert len(family) == 3
    ended.down()

    assert gone(family)
    assert not _answers(ended.address("pot"))
    ended.down()


def _answers(address: str) -> bool:
    try:
        return requests.get(f"http://{address}", timeout=2).ok
    except requests.ConnectionError:
        return False
