import json
from http import HTTPStatus

from flask import Response


def problem(status, detail):
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(json.dumps(body), status, content_type="application/problem+json")


def add_to(app):
    app.error_callback = lambda error: problem(error.status_code, f"{error.message}: {error.detail}")

    @app.errorhandler(Exception)
    def crashed(error):
        app.logger.error("request failed", exc_info=error)
        return problem(500, "The service failed. Its log says why.")
