"""The outside world as one process: HTTP for all its gateways and their faults, and SMTP beside it."""

from functools import partial

from apiflask import APIFlask

from labs.services.chassis import keeper
from labs.services.chassis.api import create_api
from labs.services.chassis.clock import Clock
from labs.services.chassis.database import Database
from labs.services.chassis.settings import load
from labs.services.outside import carrier, gateways, inbox, key, pager, payments, striking
from labs.services.outside.faults import Switches
from labs.services.outside.settings import Settings


def create_app(settings: Settings | None = None) -> APIFlask:
    """The app that gunicorn serves; SMTP listens in a thread of the same process. Raises OSError if it cannot."""
    settings = settings or load(Settings)
    db = Database(settings.database_url)
    switches = Switches(db)
    app = create_api("outside", settings, db)
    app.config["SECURITY_SCHEMES"] = key.SECURITY_SCHEMES
    striking.install(app, switches)
    api_key = key.Key(settings.outside_key)
    app.register_blueprint(payments.blueprint(db, api_key))
    app.register_blueprint(carrier.blueprint(db, api_key))
    app.register_blueprint(gateways.text_messages(db))
    app.register_blueprint(gateways.push_notifications(db))
    app.register_blueprint(inbox.blueprint(db))
    app.register_blueprint(pager.blueprint(db))
    app.extensions["smtp"] = inbox.listen(db, switches, settings.smtp_bind)
    app.extensions["clock"] = Clock([(keeper.FORGETTING, partial(keeper.tidy, settings, db))]).start()
    return app
