"""The HTTP side of a service: an APIFlask app with problem details, health, correlation ids, deadlines and a log of what came
in and went out."""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from apiflask import APIBlueprint, APIFlask
from flask import Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from labs.services.chassis import (
    crash,
    deadline,
    health,
    logs,
    metrics,
    openapi,
    problems,
    redaction,
    rotation,
    traces,
)
from labs.services.chassis.client import Unreachable
from labs.services.chassis.database import Database, outage
from labs.services.chassis.problems import Problem
from labs.services.chassis.settings import Settings

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

Routes = APIFlask | APIBlueprint
"""What a service adds its routes to: its own app, or a part of a monolith's."""
ACCEPTED_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
"""A caller's correlation id that goes into logs and tables as it is; for any other a new one is made."""
READS = {"GET", "HEAD", "OPTIONS"}
log = logs.get(__name__)


def create_api(title: str, settings: Settings, db: Database | None = None) -> APIFlask:
    """An app that a service adds its routes to. Its OpenAPI description is at /openapi.json."""
    logs.configure(settings.service, settings.log_level, rotation.of(settings))
    traces.configure(settings)
    crash.arm(settings.crash)
    app = APIFlask(title, title=title, docs_path=None)
    app.config["VALIDATION_ERROR_STATUS_CODE"] = 422
    ready: dict[str, Callable[[], None]] = {"database": db.ping} if db else {}
    app.register_blueprint(health.blueprint(ready=ready, degraded={}))
    for concern in (problems, openapi, traces):
        concern.install(app)
    app.register_blueprint(metrics.endpoint(db))
    if settings.metrics:
        metrics.install(app)

    @app.before_request
    def begin() -> None:
        theirs = request.headers.get(logs.CORRELATION_HEADER, "")
        g.started, g.scope = time.perf_counter(), ExitStack()
        g.correlation_id = g.scope.enter_context(logs.correlated(theirs if ACCEPTED_ID.fullmatch(theirs) else None))
        g.scope.enter_context(deadline.until(min(_deadline(), time.time() + settings.request_timeout)))
        if deadline.remaining() <= 0:
            raise Problem(504, "Your deadline has passed already; nothing was done.")

    @app.after_request
    def tell(response: Response) -> Response:
        response.headers[logs.CORRELATION_HEADER] = g.correlation_id
        response.headers["X-Content-Type-Options"] = "nosniff"  # a customer's text in it is never taken for a page
        if not request.path.startswith(health.QUIET):
            _log(response, time.perf_counter() - g.started)
        return response

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        g.scope.close()

    @app.errorhandler(Unreachable)
    def unreachable(error: Unreachable) -> Response:
        log.warning("a dependency did not answer", reason=str(error))
        return _later(f"{error.name} does not answer now. Try again.")

    @app.errorhandler(SQLAlchemyError)
    def failed(error: SQLAlchemyError) -> Response:
        if not outage(error):
            return problems.crashed(error)
        log.warning("the database did not answer", reason=type(error).__name__)
        return _later("The database of this service does not answer now. Try again.")

    return app


def _later(detail: str) -> Response:
    answer = problems.respond(503 if deadline.remaining() > 0 else 504, detail)
    answer.headers["Retry-After"] = "1"
    return answer


def _deadline() -> float:
    """When the caller stops waiting, in seconds since the epoch."""
    try:
        return deadline.read(request.headers.get(deadline.HEADER, ""))
    except ValueError:
        raise Problem(400, f"{deadline.HEADER} must be a number of seconds since the epoch.") from None


def _log(response: Response, seconds: float) -> None:
    """One line a request; of a write also what was asked and what was answered."""
    asked = request._get_current_object()  # type: ignore[attr-defined]  # each look through the proxy costs a microsecond
    fields: dict[str, Any] = {
        "http.request.method": asked.method,
        "url.path": asked.path,
        "http.response.status_code": response.status_code,
        "event.duration": int(seconds * 1e9),  # nanoseconds, as ECS has it
    }
    if asked.args:
        fields["url.query"] = partial(_query, asked.args)
    if asked.method not in READS:
        json_sent, json_told = asked.is_json, "json" in (response.mimetype or "")
        fields["http.request.body.content"] = partial(redaction.body, getattr(asked, "seen", b""), json_sent)
        fields["http.response.body.content"] = lambda: redaction.body(response.get_data(), json_told)
    log.info(f"{asked.method} {asked.path}", **fields)


def _query(given: "MultiDict[str, str]") -> str:
    return "&".join(f"{k}={redaction.field(k, v)}" for k, v in given.items(multi=True))[:300]
