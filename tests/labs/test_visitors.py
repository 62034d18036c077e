"""Requests go on while something is changed, and each failure is laid at the door of the step after which it came."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from typing import ClassVar

import pytest

from labs.classroom.load import Request
from labs.classroom.strangling import counted
from labs.classroom.visitors import Visitors


class Door(BaseHTTPRequestHandler):
    """Open until somebody closes it."""

    status: ClassVar[int] = 200

    def do_GET(self) -> None:
        self.send_response(Door.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def door() -> Iterator[str]:
    Door.status = 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def become(status: int) -> str:
    Door.status = status
    return "done"


def test_they_come_all_the_while_and_a_failure_belongs_to_the_step_before_it(door):
    with Visitors(100, repeat(Request("GET", door))) as load:
        assert load.step("shut", lambda: become(503)) == "done"
        load.step("open", lambda: become(200))
    failures = load.failures()
    assert failures["shut"] >= 3, "nearly all that came after it"
    assert failures["open"] <= 1, "one may have been on its way"
    assert load.failed == sum(failures.values())
    assert len(load.outcomes) > 20


def test_who_gets_no_answer_has_failed():
    with Visitors(100, repeat(Request("GET", "http://127.0.0.1:1/"))) as load:
        load.step("nothing", lambda: None)
    assert load.failed == len(load.outcomes) > 0


def test_who_failed_is_a_cross_and_who_was_answered_a_dot(door):
    with Visitors(100, repeat(Request("GET", door))) as load:
        load.step("shut", lambda: become(503))
    (axes,) = load.waits().axes
    drawn = {line.get_marker(): len(line.get_xdata()) for line in axes.lines if line.get_marker() in ("o", "x")}
    assert drawn == {"o": len(load.outcomes) - load.failed, "x": load.failed}
    assert [words.get_text() for words in axes.texts] == ["shut"]


def test_when_there_is_nothing_more_to_ask_nobody_waits_for_more():
    with Visitors(100, [Request("GET", "http://127.0.0.1:1/")]) as load:
        load.step("nothing", lambda: None)
    assert len(load.outcomes) == 1


def test_the_gateways_log_says_who_was_asked_and_who_failed():
    def line(capability: str, by: str, status: int) -> str:
        return (
            f'{{"labels": {{"capability": "{capability}", "answered_by": "{by}"}}, '
            f'"http": {{"response": {{"status_code": {status}}}}}}}'
        )

    log = [
        line("stock", "monolith", 200),
        line("stock", "inventory-service", 201),
        line("stock", "inventory-service", 503),
        line("orders", "order-service", 503),
        '{"message": "a line about something else"}',
        '{"labels": {"capability": "sto',
    ]
    assert counted(log, "stock") == {
        "monolith": {"asked": 1, "failed": 0},
        "services": {"asked": 2, "failed": 1},
    }
