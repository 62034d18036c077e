"""HTTP of notification-service: what were customers told?"""

from typing import Any

from apiflask import APIFlask
from flask import request

from labs.services.chassis.api import create_api
from labs.services.chassis.database import Database
from labs.services.chassis.settings import Settings, load
from labs.services.notification import store


def create_app(settings: Settings | None = None) -> APIFlask:
    """The app that gunicorn serves."""
    settings = settings or load(Settings)
    db = Database(settings.database_url)
    app = create_api("notification-service", settings, db)

    @app.get("/notifications")
    def look() -> Any:
        """What was told; `?order_id=` narrows it to one order."""
        with db.reading() as session:
            found = store.history(session, request.args.get("order_id"))
        names = ("id", "order_id", "recipient", "subject", "status")
        return [{name: getattr(notification, name) for name in names} for notification in found]

    return app
