"""`sagas = Sagas()` makes a nameko worker carry on the sagas of its orders, in the background."""

import threading
import time
from functools import partial
from typing import Any

from nameko.extensions import DependencyProvider
from sqlalchemy.exc import SQLAlchemyError

from labs.services.chassis import logs
from labs.services.chassis.settings import load
from labs.services.order import store
from labs.services.order.actions import actions, payments
from labs.services.order.orchestrator import Orchestrator, Task
from labs.services.order.payments import Payments
from labs.services.order.settings import Settings

AT_ONCE = 16
"""Orders that are at one step at the same time: a provider that hangs holds up its own step only (a bulkhead)."""
INTERVAL = 0.25
"""Seconds between two looks for what is due, if nothing wakes it before."""
GATHER = 0.01
"""Seconds between two looks at least: orders that are due together are taken together, in one transaction."""
LEAVING = 5.0
"""Seconds that calls under way have when the worker stops; what is not answered then is asked again by another."""
log = logs.get(__name__)


class Sagas(DependencyProvider):
    """Takes what is due and does it, some orders of each step at once."""

    payments: Payments

    def setup(self) -> None:
        """nameko calls it before anything starts."""
        settings = load(Settings)
        resources = self.container.config["resources"]
        self._relay = resources.relay
        self.payments = payments(settings)
        saga = store.SAGA.patient(charge=settings.payment_patience)
        self._orchestrator = Orchestrator(resources.db, actions(settings, self.payments), saga)
        self._busy = {step.name: 0 for step in saga.steps}
        self._counting, self._woken = threading.Lock(), threading.Event()
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

    def _run(self) -> None:
        failing = False
        while not self._stopped:
            self._woken.clear()
            try:
                self._take()
                failing = False
            except SQLAlchemyError as error:
                if not failing:
                    log.warning("database fails, sagas wait", reason=str(error))
                failing = True
            time.sleep(GATHER)
            self._woken.wait(INTERVAL)

    def _take(self) -> None:
        for task in self._orchestrator.take({step: AT_ONCE - busy for step, busy in self._busy.items()}):
            self._count(task.taken.step, 1)
            self.container.spawn_managed_thread(partial(self._carry, task), identifier="saga")

    def _carry(self, task: Task | None) -> None:
        while task:
            try:
                following = self._orchestrator.carry(task, self._has_room)
            except Exception as error:  # whatever it was, it must not take the worker with it
                log.error("an answer is not written down, the step is repeated", order_id=task.order.id, exc_info=error)
                following = None
            self._relay.wake()
            if following:
                self._count(following.taken.step, 1)
            self._count(task.taken.step, -1)
            task = following
        self._woken.set()

    def _has_room(self, step: str) -> bool:
        return self._busy[step] < AT_ONCE and not self._stopped

    def _count(self, step: str, change: int) -> None:
        with self._counting:
            self._busy[step] += change
