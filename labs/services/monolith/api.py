"""HTTP of the monolith: all that the services answer, by the same routes, from one process and one database.

An order is placed, reserved, paid, shipped and told to its customer before the request is answered. Nothing waits in a queue,
and the customer waits for everybody."""

from collections.abc import Iterable, Mapping
from functools import partial
from types import SimpleNamespace

from apiflask import APIBlueprint, APIFlask

from labs.services.chassis import keeper
from labs.services.chassis.api import create_api
from labs.services.chassis.auth import Auth
from labs.services.chassis.clock import Clock, Timer
from labs.services.chassis.settings import load
from labs.services.inventory import api as inventory
from labs.services.inventory import store as stock
from labs.services.inventory.worker import InventoryWorker
from labs.services.monolith import report
from labs.services.monolith.borders import Borders
from labs.services.monolith.calls import OneDatabase, handlers, timers
from labs.services.monolith.recording import Recorder
from labs.services.monolith.settings import Settings
from labs.services.notification import api as notification
from labs.services.notification import store as messages
from labs.services.notification.worker import NotificationWorker
from labs.services.order import api as order
from labs.services.order import store as orders
from labs.services.order.actions import actions, payments
from labs.services.order.domain import Price
from labs.services.order.orchestrator import Orchestrator
from labs.services.order.worker import OrderWorker
from labs.services.user import api as user
from labs.services.user import store as accounts
from labs.services.user.failures import Limits
from labs.services.user.start import prepare
from labs.services.user.worker import UserWorker

AT_ONCE = 16
"""Orders of one step that the clock carries on in a row."""


class Catalogue:
    """Prices from the tables of the catalogue."""

    def __init__(self, db: OneDatabase) -> None:
        self._db = db

    def of(self, skus: Iterable[str]) -> Mapping[str, Price]:
        """Prices by SKU, without those of unknown products."""
        with self._db.reading() as session:
            found = stock.catalogue.prices(session, dict.fromkeys(skus))
            return {each.sku: Price(each.amount, each.currency, each.version) for each in found}


def create_app(settings: Settings | None = None) -> APIFlask:
    """The app that gunicorn serves."""
    settings = settings or load(Settings)
    db = OneDatabase(settings.database_url)
    app = create_api("monolith", settings, db)
    user.behind(app, settings.proxies)
    if settings.recording or settings.borders:
        _watch(app, db, settings)
    provider = payments(settings)
    orchestrator = Orchestrator(db, actions(settings, provider), orders.SAGA.patient(charge=settings.payment_patience))
    teller = NotificationWorker()
    workers = (UserWorker(), InventoryWorker(), OrderWorker(), teller)
    for worker in workers:
        vars(worker).update(db=db, sagas=SimpleNamespace(payments=provider))  # what nameko would give it
        for event_type, handler in handlers(worker):
            db.handlers.setdefault(event_type, []).append(handler)

    def tell() -> None:
        for send in (teller.address, teller.send_mails, teller.send_text_messages, teller.send_push_messages):
            send()

    def finish(order_id: str) -> None:
        orchestrator.run(order_id)
        tell()

    def finish_what_failed() -> None:
        for task in orchestrator.take({step.name: AT_ONCE for step in orchestrator.saga.steps}):
            orchestrator.carry(task)

    ring = prepare(db, settings)
    auth = Auth(ring)
    parts = {name: APIBlueprint(name, __name__) for name in ("user", "inventory", "order", "notification", "report")}
    user.routes(parts["user"], db, auth, ring, Limits(settings.failures_per_email, settings.failures_per_address))
    inventory.routes(parts["inventory"], db, auth)
    order.routes(parts["order"], db, auth, Catalogue(db), finish)
    notification.routes(parts["notification"], db, auth)
    report.routes(parts["report"], db, auth)
    for part in parts.values():
        app.register_blueprint(part)
    own: list[Timer] = [(1.0, finish_what_failed), (keeper.FORGETTING, partial(keeper.tidy, settings, db))]
    app.extensions["clock"] = Clock([*(timer for worker in workers for timer in timers(worker)), *own]).start()
    return app


def _watch(app: APIFlask, db: OneDatabase, settings: Settings) -> None:
    """For whoever wants to know where it could be cut: it costs each request a multiple of its time."""
    borders = Borders(settings.borders) if settings.borders else None
    bases = (accounts.Base, stock.Base, orders.Base, messages.Base)
    Recorder(settings.recording, borders, {name for base in bases for name in base.metadata.tables}).install(app, db)
