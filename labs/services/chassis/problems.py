"""Errors as RFC 9457 problem details: what happened, in the caller's words, as application/problem+json."""

from http import HTTPStatus
from typing import Any

from apiflask import APIFlask
from flask import Response, json
from werkzeug.exceptions import HTTPException

from labs.services.chassis import logs

log = logs.get(__name__)


class Problem(Exception):
    """Raise it in a view: `raise Problem(404, "no such order")`. `fields` become extension members."""

    def __init__(self, status: int, detail: str, **fields: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.fields = status, detail, fields


def respond(status: int, detail: str, **fields: Any) -> Response:
    """The answer itself; `title` is HTTP's own phrase for the status."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **fields}
    return Response(json.dumps(body), status, content_type="application/problem+json")


def install(app: APIFlask) -> None:
    """Every error of this app leaves as a problem, validation errors and crashes too."""
    app.register_error_handler(Problem, lambda e: respond(e.status, e.detail, **e.fields))

    @app.error_processor
    def invalid(error: Any) -> Response:
        errors = {"errors": error.detail} if error.detail else {}
        return respond(error.status_code, str(error.message), **errors)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        return respond(error.code or 500, error.description or "")

    @app.errorhandler(Exception)
    def crash(error: Exception) -> Response:
        log.error("request failed", exc_info=error)
        return respond(500, "The service failed; its log says why under this request's correlation id.")
