import json
from http import HTTPStatus

from flask import Response
from werkzeug.exceptions import HTTPException


def problem(status, detail):
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(json.dumps(body), status, content_type="application/problem+json")


def add_to(app):
    app.error_callback = lambda error: problem(error.status_code, f"{error.message}: {error.detail}")

    @app.errorhandler(HTTPException)
    def refused(error):
        return problem(error.code, error.description)

    @app.errorhandler(Exception)
    def crashed(error):
        app.logger.error("request failed", exc_info=error)
        return problem(500, f"{type(error).__name__}: {error}")
