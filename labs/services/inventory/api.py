"""HTTP of inventory-service: the catalogue, the stock, and batch work on both."""

from apiflask import APIFlask

from labs.services.chassis.api import Routes, create_api
from labs.services.chassis.auth import Auth, Keys, RemoteKeys
from labs.services.chassis.database import Database
from labs.services.chassis.problems import respond
from labs.services.chassis.settings import Settings, load
from labs.services.inventory.domain import NotEnough, UnknownProduct
from labs.services.inventory.views import batches, catalogue, stock


def create_app(settings: Settings | None = None, keys: Keys | None = None) -> APIFlask:
    """The app that gunicorn serves. `keys` verify tokens; without them they come from user-service."""
    settings = settings or load(Settings)
    db = Database(settings.database_url)
    app = create_api("inventory-service", settings, db)
    routes(app, db, Auth(keys or RemoteKeys(settings.jwks_url)))
    return app


def routes(app: Routes, db: Database, auth: Auth) -> None:
    """All that inventory-service answers; the monolith does so too, in its own process."""
    app.register_error_handler(UnknownProduct, lambda error: respond(404, str(error)))
    app.register_error_handler(NotEnough, lambda error: respond(409, str(error)))
    catalogue.routes(app, db, auth)
    stock.routes(app, db, auth)
    batches.routes(app, db, auth)
