"""Runs a service's worker: `python -m labs.services.chassis.worker labs.services.order.worker`. It starts the nameko
service in that module, the relay of its outbox, the keeper of its tables, and an HTTP port for health and metrics."""

import eventlet

eventlet.monkey_patch()

import importlib  # noqa: E402  everything below must see the patched standard library
import inspect  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from types import ModuleType  # noqa: E402
from typing import Any  # noqa: E402

from eventlet import wsgi  # noqa: E402
from flask import Flask  # noqa: E402
from greenlet import GreenletExit  # noqa: E402
from nameko.events import EventHandler  # noqa: E402
from nameko.extensions import ENTRYPOINT_EXTENSIONS_ATTR  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402

from labs.services.chassis import crash, health, logs, metrics, rotation, traces  # noqa: E402
from labs.services.chassis.consumer import CannotRun  # noqa: E402
from labs.services.chassis.database import Database  # noqa: E402
from labs.services.chassis.keeper import Keeper  # noqa: E402
from labs.services.chassis.publisher import BrokerAway, Publisher  # noqa: E402
from labs.services.chassis.relay import Relay  # noqa: E402
from labs.services.chassis.settings import Settings, load  # noqa: E402

STOPPING = 7.0
"""Seconds that handlers have to end after SIGTERM; docker-compose.yml grants the process 10."""
AT_ONCE = 10
"""Events that a worker process has in hand; the others wait with the broker, for whoever is free."""
LEAVING = 1.0
"""The same while the broker is away: what they do is not acknowledged anyway, and comes again."""
log = logs.get(__name__)


@dataclass
class Resources:
    """What the entrypoints of one worker process share."""

    db: Database
    relay: Relay
    retries: Publisher
    listens: bool  # whether there are handlers; who only tells has no queues
    consuming: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)
    refused: bool = False  # by the broker: the process is about to end, and must not look ready until then

    @property
    def broker_is_away(self) -> bool:
        """As far as this process has noticed."""
        return not self.consuming.is_set() if self.listens else self.relay.stuck

    def check_broker(self) -> None:
        """Raises while the broker is away."""
        if self.broker_is_away:
            raise BrokerAway("events wait, here and there, until it is back")


def service_in(module: ModuleType) -> type:
    """The one nameko service that a module defines. Raises SystemExit with what is wrong."""
    found = [
        c
        for _, c in inspect.getmembers(module, inspect.isclass)
        if c.__module__ == module.__name__ and isinstance(getattr(c, "name", None), str)
    ]
    if len(found) != 1:
        names = ", ".join(c.__name__ for c in found) or "none"
        raise SystemExit(f"{module.__name__} must define one class with a `name`; found: {names}")
    return found[0]


def _listens(service: type) -> bool:
    entrypoints = [
        e for _, method in inspect.getmembers(service) for e in getattr(method, ENTRYPOINT_EXTENSIONS_ATTR, ())
    ]
    return any(isinstance(each, EventHandler) for each in entrypoints)


def run(module_name: str) -> None:
    """Until SIGTERM or SIGINT; a second one ends it at once. Raises SystemExit with what keeps it from running."""
    service = service_in(importlib.import_module(module_name))
    settings = load(getattr(sys.modules[module_name], "Settings", Settings))
    logs.configure(settings.service, settings.log_level, rotation.of(settings))
    traces.configure(settings)
    crash.arm(settings.crash)
    db = Database(settings.database_url)
    relay = Relay(settings.service, db, Publisher(settings.amqp_url, settings.broker_timeout), settings.relay_interval)
    resources = Resources(db, relay, Publisher(settings.amqp_url, settings.broker_timeout), _listens(service))
    _serve_http(settings, resources)
    runner = ServiceRunner(
        {
            "AMQP_URI": settings.amqp_url,
            "DECLARE_EVENT_EXCHANGES": False,  # they are declared when the broker is provisioned
            "HEARTBEAT": 10,
            "max_workers": AT_ONCE,  # and so the prefetch count of its consumer
            "SERVICE_CONTAINER_CLS": "labs.services.chassis.container.Container",
            "resources": resources,
            "settings": settings,
        }
    )
    runner.add_service(service)
    keeper = Keeper(settings, db, resources.retries, resources.consuming if resources.listens else None)
    working = eventlet.spawn(_start_and_wait, runner, resources)
    relaying, keeping = eventlet.spawn(relay.run), eventlet.spawn(keeper.run)
    for helper in (relaying, keeping):
        helper.link(_end_with, working)

    def stop(_signal: int, _frame: Any) -> None:
        health.PRESENCE.leave()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        eventlet.spawn_n(runner.stop)  # a signal handler must not switch greenlets itself
        eventlet.spawn_after(LEAVING if resources.broker_is_away else STOPPING, working.kill)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        working.wait()
    except GreenletExit:
        log.warning("worker waits no longer; what it has not acknowledged comes again")
    except CannotRun as error:
        raise SystemExit(f"{settings.service} cannot run: {error}") from None
    relay.stop()
    keeper.stop()
    with eventlet.Timeout(LEAVING, False):
        relaying.wait()
    traces.flush()
    log.info("worker stopped")


def _start_and_wait(runner: ServiceRunner, resources: Resources) -> None:
    runner.start()
    if not resources.refused:
        resources.started.set()
    log.info("worker started")
    runner.wait()


def _end_with(helper: Any, working: Any) -> None:
    """A worker whose relay or keeper has died must not look alive."""
    try:
        helper.wait()
    except Exception as error:  # noqa: BLE001  whatever it was ends the process
        working.kill(error)


def _serve_http(settings: Settings, resources: Resources) -> None:
    app = Flask("worker")
    ready, degraded = {"database": resources.db.ping}, {"broker": resources.check_broker}
    app.register_blueprint(health.blueprint(ready, degraded, resources.started.is_set))
    app.register_blueprint(metrics.endpoint(resources.db))
    listener = eventlet.listen(settings.address(), reuse_port=False)
    eventlet.spawn(wsgi.server, listener, app, log_output=False)


if __name__ == "__main__":
    run(sys.argv[1])
