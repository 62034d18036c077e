"""What may happen to a shop at work: its broker dies, freezes, is away; it is restarted; the world outside fails in every way
that it knows; all of that at random. Whatever it was, the ledger is clean afterwards."""

import logging
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest

import pytest
import requests

from labs.infra.system import BROKER, System
from labs.services.outside.faults import FAULTS, LATENCY
from tests.faults.beam import answers, beam, remembers_its_queues
from tests.faults.killing import PASSES
from tests.faults.resting import rest
from tests.faults.storm import LONG, Storm, met
from tests.infra.nodes import eventually

ORDERS = 1000 if LONG else 80
FROZEN, AWAY = (45.0, 60.0) if LONG else (7.0, 7.0)
"""Seconds; more than the 5 that a publisher waits for the broker's word."""
WAITING = 1000 if LONG else 100
"""Orders that are under way at most while nothing is delivered."""
GATEWAY_WAITS = 5.0
"""Seconds for which it tries to be heard, 50 times with pauses by dice: 6.2 on average, hardly ever less than this."""
MIX = 180.0 if LONG else 12.0
WITH_A_FAULT = 4.0 if LONG else 0.3
MET = [name for name, fault in FAULTS.items() if fault.gateway != "pager"]
"""What an order can meet in the world outside; the pager is for alerts."""
log = logging.getLogger(__name__)


def test_the_broker_is_killed_twice_while_orders_come_in(system: System, storm: Storm) -> None:
    eventually(lambda: remembers_its_queues(system), 30, "its queues are on disk")
    first, killed = len(storm.accepted), []
    with ThreadPoolExecutor(1) as background, met(storm) as trouble:
        placing = background.submit(storm.place, ORDERS)
        for moment in (ORDERS // 4, ORDERS * 5 // 8):
            eventually(lambda least=first + moment: len(storm.accepted) >= least, 240, f"{moment} orders are accepted")
            eventually(lambda: answers(system), 90, "the broker serves")
            dying = beam(system)
            dying.kill()
            killed.append(dying.pid)
            eventually(lambda pid=dying.pid: system.pid(BROKER) not in (0, pid), 30, "it is started again")
        placing.result()
    eventually(lambda: answers(system), 90, "the broker serves")
    assert len(set(killed)) == 2
    assert not trouble, "orders are accepted whether there is a broker or not"
    rest(system, storm)


def test_the_broker_freezes_while_orders_come_in(system: System, storm: Storm) -> None:
    frozen, first = beam(system), len(storm.accepted)
    with storm.raging(crowd=WAITING), met(storm) as trouble:
        os.kill(frozen.pid, signal.SIGSTOP)
        try:
            time.sleep(FROZEN)  # as long as it takes
            accepted = len(storm.accepted) - first
        finally:
            os.kill(frozen.pid, signal.SIGCONT)
    assert accepted > 0
    assert not trouble
    rest(system, storm)


def test_while_the_broker_is_away_orders_are_accepted_and_wait(system: System, storm: Storm) -> None:
    system.stop(BROKER)
    first = len(storm.accepted)
    with storm.raging(crowd=WAITING), met(storm) as trouble:
        time.sleep(AWAY)  # as long as it takes
        for name in ("order-api", "order-worker"):
            answer = requests.get(f"http://{system.places.address(name, 8000)}/health/ready", timeout=5)
            assert answer.status_code == 200, f"{name} must stay ready without a broker: {answer.text}"
    accepted = len(storm.accepted) - first
    log.info(f"{accepted} orders accepted in {AWAY:g} s without a broker")
    assert accepted > 0
    assert storm.under_way() >= min(accepted, 1)
    assert not trouble
    rest(system, storm)


def test_every_process_is_restarted_in_turn_under_load(system: System, storm: Storm) -> None:
    longest = 0.0
    with storm.raging(newcomers=0.3), met(storm) as trouble:
        for _ in range(3 if LONG else 1):
            for name in PASSES:
                before, began = system.pid(name), time.monotonic()
                system.restart(name, timeout=90)
                if name.endswith("-api"):
                    longest = max(longest, time.monotonic() - began)
                assert system.exit_code(name) is None
                assert system.pid(name) != before
    log.info(f"the longest that nobody listened: {longest:.1f} s; customers met {dict(trouble)}")
    assert not trouble or longest > GATEWAY_WAITS, "the gateway waits until somebody listens, and who listens answers"
    rest(system, storm)


def rounds() -> list[tuple[str, ...]]:
    """Each of them once, some together; none that keeps orders from reaching another one."""
    of = {gateway: [name for name in MET if FAULTS[name].gateway == gateway] for gateway in LATENCY}
    return [
        tuple(filter(None, faults))
        for some in (("payments", "sms"), ("carrier", "push", "smtp"))
        for faults in zip_longest(*(of[gateway] for gateway in some))
    ]


@pytest.mark.parametrize("together", [[faults] for faults in rounds()] if LONG else [rounds()], ids=lambda t: t[0][0])
def test_the_world_outside_fails(system: System, storm: Storm, together: Sequence[Sequence[str]]) -> None:
    outside, hit = f"http://{system.address('outside')}/faults", Counter[str]()

    def all_hit(faults: Sequence[str]) -> bool:
        said = requests.get(outside, timeout=10).json()["items"]
        hit.update({each["name"]: each["requests"] - hit[each["name"]] for each in said if each["on"]})
        return all(hit[name] for name in faults)

    with storm.raging(newcomers=0.3):
        for faults in together:
            for name in faults:
                requests.put(f"{outside}/{name}", json={"on": True}, timeout=10).raise_for_status()
            time.sleep(WITH_A_FAULT)  # as long as it takes
            eventually(lambda faults=faults: all_hit(faults), 90, f"each of {faults} has struck")
            requests.delete(outside, timeout=10).raise_for_status()
    log.info(f"requests that met a fault: {dict(hit)}")
    rest(system, storm)


def test_anything_at_random(system: System, storm: Storm) -> None:
    chance = random.Random(f"{storm.seed}-mix")
    done, until = Counter[str](), time.monotonic() + MIX
    eventually(lambda: remembers_its_queues(system), 30, "its queues are on disk")
    with storm.raging(newcomers=0.3):
        while time.monotonic() < until:
            name = chance.choice([*PASSES])
            deed = chance.choices(("kill", "restart", "freeze", "fault", "mend", "broker"), (5, 3, 2, 4, 2, 0.5))[0]
            done[deed] += 1
            if deed in ("kill", "freeze") and system.pid(name):
                _hurt(system.pid(name), deed, chance.uniform(0.2, 2.0))
            elif deed == "restart":
                system.restart(name, timeout=90)
            elif deed == "broker" and answers(system):
                beam(system).kill()
            elif system.state("outside") == "running":
                _switch(system, chance.choice(MET) if deed == "fault" else "")
            time.sleep(chance.uniform(0.1, 2.5))  # the moment is the point
    log.info(f"seed {storm.seed}: {dict(done)}")
    rest(system, storm, leases=LONG)


def _hurt(pid: int, deed: str, seconds: float) -> None:
    try:
        if deed == "kill":
            os.kill(pid, signal.SIGKILL)
            return
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:  # it was dying already
        return


def _switch(system: System, fault: str) -> None:
    outside = f"http://{system.address('outside')}/faults"
    try:
        if fault:
            requests.put(f"{outside}/{fault}", json={"on": True}, timeout=5)
        else:
            requests.delete(outside, timeout=5)
    except requests.RequestException:  # it has just been killed
        log.info("the world outside did not hear of it")
