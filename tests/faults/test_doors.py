"""What customers talk to is killed, again and again: the gateway, and the shop that is one process. Whoever was not answered
asks again with the same key."""

import logging
import os
import random
import signal

from labs.classroom import books
from labs.classroom.ledger import judge
from labs.infra.system import System
from labs.services.chassis.probe import probe
from tests.faults.resting import UNFINISHED, ask, rest
from tests.faults.storm import LONG, Storm, met
from tests.ground import Ground
from tests.infra.nodes import eventually

KILLS = 30 if LONG else 4
BETWEEN = 10
"""Orders that are accepted before the next death."""
BROKEN_OFF = {"refused", "no answer", "clerk: refused", "clerk: no answer"}
"""What somebody meets whose connection cannot be made, or ends without an answer."""
log = logging.getLogger(__name__)


def kill_under_load(system: System, storm: Storm, name: str, ready: str) -> None:
    """So many times, in the midst of orders. `ready` is where it says that it is back."""
    with storm.raging(newcomers=0.3), met(storm) as trouble:
        for _ in range(KILLS):
            wanted = len(storm.accepted) + BETWEEN
            eventually(lambda least=wanted: len(storm.accepted) >= least, 120, f"{BETWEEN} more orders are accepted")
            dying = system.pid(name)
            os.kill(dying, signal.SIGKILL)
            eventually(lambda pid=dying: system.pid(name) not in (0, pid), 30, f"{name} is started again")
            eventually(lambda: not probe(ready), 60, f"{name} is ready")
    log.info(f"people met {dict(trouble)}")
    assert trouble, "nobody noticed"
    assert set(trouble) <= BROKEN_OFF


def test_the_gateway_is_killed_while_orders_come_in(system: System, storm: Storm) -> None:
    kill_under_load(system, storm, "gateway", f"http://{system.address('gateway', 9901)}/ready")
    rest(system, storm)


def test_the_monolith_is_killed_while_orders_come_in(ground: Ground) -> None:  # noqa: ARG001  its programs are shared
    seed = int(os.environ.get("LAB_SEED", random.randrange(1_000_000)))
    shop = System("killed-monolith")
    try:
        shop.up("monolith", "outside", timeout=90)
        storm = Storm(shop, seed, through="monolith")
        storm.open()
        kill_under_load(shop, storm, "monolith", f"http://{shop.address('monolith')}/health/ready")

        eventually(lambda: not unfinished(shop), 240, "what was begun has come to its end")
        stores = {name: shop.database_url(name) for name in ("monolith", "outside")}
        ledger = judge(books.read(stores), storm.accepted)
        log.info(f"seed {seed}: {ledger.rows()}")
        assert storm.wrong == []
        assert ledger.settled, ledger.rows()
        known = {row[0] for row in ask(shop, "monolith", "SELECT id FROM orders")}
        assert known == storm.accepted.keys(), "each order has a customer who holds a 202 for it"
        assert len({*storm.accepted.values()}) == len(known), "one key is one order"
    finally:
        shop.down()


def unfinished(shop: System) -> dict[str, int]:
    """What the monolith has begun and not ended, and how many there are."""
    questions = {what: question for of_one in UNFINISHED.values() for what, question in of_one.items()}
    counts = {what: ask(shop, "monolith", question)[0][0] for what, question in questions.items()}
    return {what: count for what, count in counts.items() if count}
