"""Errors as RFC 9457 problem details: what happened, in the caller's words, as application/problem+json."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from apiflask import APIFlask
from flask import Request, Response, json
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]  # gunicorn has no types
from werkzeug.exceptions import HTTPException

from labs.services.chassis import logs

MEDIA_TYPE = "application/problem+json"
LARGEST_BODY = 1_000_000
"""Bytes: what is larger is refused before it is read."""
NAMED = 5
"""So many wrong fields are named in the detail; `errors` has all."""
SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "description": "messages by place (json) and field"},
    },
}
log = logs.get(__name__)


class Problem(Exception):
    """Raise it in a view: `raise Problem(404, "no such order")`. `headers` go with the answer, such as Retry-After; `fields`
    become extension members."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **fields: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.fields = status, detail, headers or {}, fields


class JsonRequest(Request):
    """A request whose body is JSON, or it is said what is wrong with it. `seen` is what of the body a view has read: of a
    request that was refused before, nothing is taken off the wire for the log's sake."""

    seen = b""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body. Raises Problem."""
        try:
            self.seen = self.get_data(cache=True)
        except (OSError, ParseException) as error:  # gunicorn, about chunks that are none
            raise Problem(400, f"The body could not be read: {error}.") from None
        if self.seen and not self.is_json:
            sent = self.mimetype or "nothing"
            raise Problem(415, f"The body must be sent with Content-Type: application/json; it came with {sent}.")
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            raise Problem(400, "The body is nested too deeply.") from None

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Raises Problem."""
        raise Problem(400, f"The body is not JSON: {e}.")


def respond(status: int, detail: str, **fields: Any) -> Response:
    """The answer itself; `title` is HTTP's own phrase for the status."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **fields}
    return Response(json.dumps(body), status, content_type=MEDIA_TYPE)


def crashed(error: Exception) -> Response:
    """What nobody expected: the log has all of it, the caller nothing."""
    log.error("request failed", exc_info=error)
    return respond(500, "The service failed; its log says why under this request's correlation id.")


def install(app: APIFlask) -> None:
    """Every error of this app leaves as a problem, validation errors and crashes too."""
    app.request_class = JsonRequest
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.errorhandler(Problem)
    def refused(error: Problem) -> Response:
        answer = respond(error.status, error.detail, **error.fields)
        answer.headers.update(error.headers)
        return answer

    @app.error_processor
    def invalid(error: Any) -> Response:
        if not error.detail:
            return respond(error.status_code, str(error.message))
        return respond(error.status_code, _named(error.detail), errors=error.detail)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        answer = respond(error.code or 500, error.description or "")
        answer.headers.extend((name, value) for name, value in error.get_headers() if name.lower() != "content-type")
        return answer

    app.register_error_handler(Exception, crashed)


def _named(errors: Mapping[str, Mapping[str, list[str]]]) -> str:
    """The wrong fields and what is wrong with them, in one line."""
    said = [
        f"{'body' if field == '_schema' else field}: {message}"
        for fields in errors.values()
        for field, messages in fields.items()
        for message in messages
    ]
    more = f"; and {len(said) - NAMED} more" if len(said) > NAMED else ""
    return "; ".join(said[:NAMED]) + more
