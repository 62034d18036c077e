import json
from http import HTTPStatus

from flask import Response


def problem(status, detail):
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(json.dumps(body), status, content_type="application/problem+json")


def add_to(app):
    app.error_callback = lambda error: problem(error.status_code, f"{error.message}: {error.detail}")

    @app.errorhandler(404)
    def missing(error):
        return problem(404, error.description)
