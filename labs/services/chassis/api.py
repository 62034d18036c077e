"""The HTTP side of a service: an APIFlask app with problem details, health, correlation ids and one log line a request."""

import re
import time
from collections.abc import Callable

from apiflask import APIFlask
from flask import Response, g, request

from labs.services.chassis import health, logs, problems
from labs.services.chassis.database import Database
from labs.services.chassis.settings import Settings

CORRELATION_HEADER = "X-Correlation-ID"
ACCEPTED_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
"""A caller's correlation id that goes into logs and tables as it is; for any other a new one is made."""
log = logs.get(__name__)


def create_api(title: str, settings: Settings, db: Database | None = None) -> APIFlask:
    """An app that a service adds its routes to. Its OpenAPI description is at /openapi.json."""
    logs.configure(settings.service, settings.log_level)
    app = APIFlask(title, title=title, docs_path=None)
    app.config["VALIDATION_ERROR_STATUS_CODE"] = 422
    ready: dict[str, Callable[[], None]] = {"database": db.ping} if db else {}
    app.register_blueprint(health.blueprint(ready=ready, degraded={}))
    problems.install(app)

    @app.before_request
    def begin() -> None:
        theirs = request.headers.get(CORRELATION_HEADER, "")
        g.correlated = logs.correlated(theirs if ACCEPTED_ID.fullmatch(theirs) else None)
        g.correlation_id, g.started = g.correlated.__enter__(), time.perf_counter()

    @app.after_request
    def tell(response: Response) -> Response:
        response.headers[CORRELATION_HEADER] = g.correlation_id
        if not request.path.startswith("/health"):
            took = time.perf_counter() - g.started
            log.info(f"{request.method} {request.path}", status=response.status_code, seconds=f"{took:.4f}")
        return response

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        g.correlated.__exit__(None, None, None)

    return app
