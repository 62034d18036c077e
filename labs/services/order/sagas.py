"""`sagas = Sagas()` makes a nameko worker carry on the sagas of its orders, in the background."""

import threading
import time
from typing import Any

from nameko.extensions import DependencyProvider
from sqlalchemy.exc import SQLAlchemyError

from labs.services.chassis import logs
from labs.services.chassis.settings import load
from labs.services.order import events, store
from labs.services.order.fulfilment import Fulfilment
from labs.services.order.orchestrator import Actions, Orchestrator, Task
from labs.services.order.payments import Payments
from labs.services.order.provider import Provider
from labs.services.order.saga import Asked, Done, Outcome
from labs.services.order.settings import Settings
from labs.services.order.tables import Order

AT_ONCE = 16
"""Orders that are at one step at the same time: a provider that hangs holds up its own step only (a bulkhead)."""
INTERVAL = 0.25
"""Seconds between two looks for what is due, if nothing wakes it before."""
LEAVING = 5.0
"""Seconds that calls under way have when the worker stops; what is not answered then is asked again by another."""
log = logs.get(__name__)


def ask_stock(order: Order) -> Outcome:
    """Tell inventory-service again; it gives the same answer however often it is asked, as an event."""
    return Asked("order_placed", events.data("order_placed", order), store.ANSWER_IN)


def release_stock(_order: Order) -> Outcome:
    """Nothing to do here: inventory-service hears order_rejected or order_cancelled."""
    return Done()


class Sagas(DependencyProvider):
    """Takes what is due and does it, some orders of each step at once."""

    payments: Payments

    def setup(self) -> None:
        """nameko calls it before anything starts."""
        settings = load(Settings)
        resources = self.container.config["resources"]
        self._relay = resources.relay
        self.payments = Payments(Provider("payments", settings.payments_url, settings.outside_key))
        saga = store.SAGA.patient(charge=settings.payment_patience)
        self._orchestrator = Orchestrator(resources.db, self._actions(settings), saga)
        self._busy = {step.name: 0 for step in saga.steps}
        self._woken = threading.Event()
        self._stopped = False

    def start(self) -> None:
        """nameko calls it when the worker runs."""
        self.container.spawn_managed_thread(self._run, identifier="sagas")

    def stop(self) -> None:
        """nameko calls it when all handlers have ended. Returns when all calls have been answered, or after LEAVING."""
        self._stopped = True
        deadline = time.monotonic() + LEAVING
        while any(self._busy.values()) and time.monotonic() < deadline:
            self._woken.wait(0.05)
            self._woken.clear()

    def get_dependency(self, _worker_ctx: Any) -> "Sagas":
        """nameko calls it for every event."""
        return self

    def worker_result(self, _worker_ctx: Any, _result: Any = None, _exc_info: Any = None) -> None:
        """nameko calls it after every event: there may be something to do now."""
        self._woken.set()

    def _actions(self, settings: Settings) -> Actions:
        fulfilment = Fulfilment(Provider("carrier", settings.carrier_url, settings.outside_key))
        return {
            "reserve": ask_stock,
            "release": release_stock,
            "charge": self.payments.charge,
            "refund": self.payments.refund,
            "repay": self.payments.repay,
            "ship": fulfilment.ship,
        }

    def _run(self) -> None:
        failing = False
        while not self._stopped:
            try:
                for step in self._busy:
                    self._take(step)
                failing = False
            except SQLAlchemyError as error:
                if not failing:
                    log.warning("database fails, sagas wait", reason=str(error))
                failing = True
            self._woken.wait(INTERVAL)
            self._woken.clear()

    def _take(self, step: str) -> None:
        if free := AT_ONCE - self._busy[step]:
            for task in self._orchestrator.take(step, free):
                self._busy[step] += 1
                self.container.spawn_managed_thread(lambda task=task: self._carry(task), identifier="saga")

    def _carry(self, task: Task) -> None:
        try:
            self._orchestrator.carry(task)
            self._relay.wake()
        except Exception as error:  # whatever it was, it must not take the worker with it
            log.error("an answer is not written down, the step is repeated", order=task.order.id, exc_info=error)
        finally:
            self._busy[task.taken.step] -= 1
            self._woken.set()
