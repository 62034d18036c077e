"""Requests made up from a description find what breaks a service, and only that."""

import html
import threading
from collections.abc import Iterator

import pytest
from flask import Flask, request
from werkzeug.serving import make_server

from labs.classroom.fuzzing import fuzz

LARGEST = 100
DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "shelf", "version": "1"},
    "paths": {
        "/stock": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["quantity"],
                                "properties": {"quantity": {"type": "integer"}},
                            }
                        }
                    },
                },
                "responses": {"201": {"description": "done"}},
            }
        },
        "/other": {"get": {"responses": {"200": {"description": "well"}}}},
    },
}


class Careless:
    """A service that takes a number for what it should be, unless it is careful. It notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.careful = False
        self.url = ""

    def app(self) -> Flask:
        """What serves it."""
        app = Flask("careless")

        @app.route("/<path:_>", methods=["GET", "POST"])
        def answer(_: str) -> tuple[str, int]:
            self.asked.append((request.path, request.get_data()))
            body = request.get_json(silent=True)
            quantity = body.get("quantity") if isinstance(body, dict) else None
            if not isinstance(quantity, int) or isinstance(quantity, bool):
                return "", 422
            return "", 500 if abs(quantity) >= LARGEST and not self.careful else 201

        return app


@pytest.fixture
def other() -> Iterator[Careless]:
    careless = Careless()
    server = make_server("127.0.0.1", 0, careless.app(), threaded=True)
    careless.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield careless
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_finds_the_request_that_breaks_a_service_and_shows_the_shortest(other):
    found = fuzz(DESCRIPTION, other.url, examples=100)

    assert found.broke
    assert found.statuses[500] == len(found.broke)
    assert found.smallest.startswith("POST /stock {")
    assert '"quantity": ' in found.smallest
    assert html.escape(found.smallest) in found._repr_mimebundle_()["text/html"]


def test_right_requests_and_wrong_ones_are_sent(other):
    found = fuzz(DESCRIPTION, other.url)

    assert found.statuses[201]
    assert found.statuses[422]
    assert found.asked == len(other.asked)


def test_it_finds_nothing_where_nothing_breaks(other):
    other.careful = True

    found = fuzz(DESCRIPTION, other.url)

    assert (found.broke, found.smallest) == ([], "")
    assert "No request broke it" in found._repr_mimebundle_()["text/plain"]


def test_only_what_is_meant_is_asked(other):
    fuzz(DESCRIPTION, other.url, only="GET /other")

    assert {path for path, _ in other.asked} == {"/other"}


def test_two_runs_send_the_same_requests(other):
    sent = []
    for _ in range(2):
        other.asked.clear()
        fuzz(DESCRIPTION, other.url, examples=5)
        sent.append(list(other.asked))

    assert sent[0] == sent[1]
