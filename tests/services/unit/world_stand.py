"""order-service and the world outside over real HTTP, with faults that can be switched on."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import requests
from werkzeug.serving import make_server

from labs.services.chassis.api import create_api
from labs.services.chassis.database import Database
from labs.services.chassis.settings import Settings
from labs.services.order import store
from labs.services.order.domain import Status
from labs.services.order.fulfilment import Fulfilment
from labs.services.order.orchestrator import Orchestrator
from labs.services.order.payments import Payments
from labs.services.order.progress import LEASE
from labs.services.order.provider import Provider
from labs.services.order.saga import Done
from labs.services.outside import carrier, key, payments, striking
from labs.services.outside.faults import Switches
from tests.services.unit.order_stand import get, place

KEY = "a-key-of-the-tests"


@dataclass
class World:
    """The world outside at `url`, with faults that can be switched on."""

    url: str
    faults: Switches
    db: Database

    def payments(self, api_key: str = KEY) -> Payments:
        return Payments(Provider("payments", f"{self.url}/payments", api_key))

    def fulfilment(self) -> Fulfilment:
        return Fulfilment(Provider("carrier", f"{self.url}/carrier", KEY))

    def book(self) -> dict[str, list[dict[str, int]]]:
        """The provider's."""
        answer = requests.get(f"{self.url}/payments/book", headers={"Authorization": f"Bearer {KEY}"}, timeout=5)
        found: dict[str, list[dict[str, int]]] = answer.json()
        return found


@contextmanager
def world_at(db: Database) -> Iterator[World]:
    """It, on a database of its own."""
    app, switches = create_api("outside", Settings(service="outside", log_level="ERROR"), db), Switches(db)
    striking.install(app, switches)
    for gateway in (payments, carrier):
        app.register_blueprint(gateway.blueprint(db, key.Key(KEY)))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield World(f"http://127.0.0.1:{server.port}", switches, db)
    server.shutdown()
    thread.join()


def confirmed(db: Database) -> str:
    """The id of an order whose pieces are there."""
    order_id = place(db)
    with db.transaction() as tx:
        assert store.settle(tx, order_id, Status.CONFIRMED)
    return order_id


def carry_on(db: Database, world: World, order_id: str) -> None:
    """To its end, with time passing quickly."""
    pays, ships = world.payments(), world.fulfilment()
    does = {"charge": pays.charge, "refund": pays.refund, "repay": pays.repay, "ship": ships.ship}
    ahead = 0.0
    worker = Orchestrator(db, {**does, "release": lambda _order: Done()}, clock=lambda: time.time() + ahead)
    for _ in range(20):
        if not get(db, order_id).step:
            return
        for task in worker.take(dict.fromkeys(("reserve", "charge", "fulfil", "repay"), 5)):
            worker.carry(task)
        ahead += LEASE + 1
    pytest.fail(f"it is still {get(db, order_id).status}: {get(db, order_id).error}")
