"""The collector's HTTP: OTLP in, Jaeger's query API and a page of its own out."""

from pathlib import Path

from flask import Flask, Response, request, send_from_directory

from labs.infra.tracing import intake, query
from labs.infra.tracing.store import Store
from labs.services.chassis import health, metrics

PAGE = Path(__file__).parent / "page"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:"
"""What the page may load: nothing from elsewhere. The names of spans come from strangers."""


def create_app(store: Store) -> Flask:
    """One app for both ports."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = intake.LARGEST
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    app.register_blueprint(intake.blueprint(store))
    app.register_blueprint(query.blueprint(store))
    app.register_blueprint(health.blueprint(ready={}, degraded={}))
    app.register_blueprint(metrics.endpoint())

    @app.get("/")
    @app.get("/trace/<trace_id>")  # where Jaeger's own page shows a trace
    def page(trace_id: str = "") -> Response:  # noqa: ARG001  the page reads it from its address
        return send_from_directory(PAGE, "index.html")

    @app.get("/page/<path:name>")
    def part(name: str) -> Response:
        return send_from_directory(PAGE, name)

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        if not request.path.startswith(("/api/", "/v1/")):
            response.headers["Content-Security-Policy"] = POLICY
        return response

    return app
