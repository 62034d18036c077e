"""HTTP of notification-service: what were customers told?"""

from datetime import UTC, datetime
from typing import Annotated, Any

from apiflask import APIFlask
from pydantic import BaseModel

from labs.services.chassis.api import Routes, create_api
from labs.services.chassis.auth import Auth, Keys, RemoteKeys
from labs.services.chassis.database import Database
from labs.services.chassis.paging import PageIn, PageOut
from labs.services.chassis.settings import Settings, load
from labs.services.chassis.shapes import Shape
from labs.services.notification import store

ALL, OWN = "notifications:all", "notifications:own"


class NotificationsIn(PageIn):
    """Of one order, or of all."""

    order_id: Annotated[str, Shape(r"[!-~]{1,36}", "must be the id of an order")] | None = None


class NotificationOut(BaseModel):
    """What a customer was told by one channel. `status` is pending, sent or failed; `error` what the last attempt met."""

    id: str
    order_id: str
    channel: str
    recipient: str
    subject: str
    status: str
    attempts: int
    error: str
    created_at: datetime


class NotificationsOut(PageOut):
    """A page of them, newest first."""

    items: list[NotificationOut]


def create_app(settings: Settings | None = None, keys: Keys | None = None) -> APIFlask:
    """The app that gunicorn serves."""
    settings = settings or load(Settings)
    db = Database(settings.database_url)
    app = create_api("notification-service", settings, db)
    routes(app, db, Auth(keys or RemoteKeys(settings.jwks_url)))
    return app


def routes(app: Routes, db: Database, auth: Auth) -> None:
    """All that it answers."""

    @app.get("/notifications")
    @auth.needs(OWN, ALL)
    @app.input(NotificationsIn, location="query")
    @app.output(NotificationsOut)
    def look(query_data: NotificationsIn) -> Any:
        """What was told, newest first: to the caller, or with `notifications:all` to anybody."""
        caller = auth.caller()
        whose = None if caller.may(ALL) else caller.id
        (before,) = query_data.place(int) or (None,)
        with db.reading() as session:
            rows = store.history(session, whose, query_data.order_id, before, query_data.limit + 1)
        return query_data.page(rows, lambda row: (row.position,), _out)


def _out(row: store.Notification) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in NotificationOut.model_fields}
    return shown | {"created_at": datetime.fromtimestamp(row.created_at, UTC)}
