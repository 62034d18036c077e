"""A slow system cannot slow down its own exam, and nobody who got no answer is forgotten."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from labs.classroom.load import NO_ANSWER, Report, Request, closed_loop, open_loop


class Till(BaseHTTPRequestHandler):
    """Serves one customer at a time, each in a twentieth of a second."""

    protocol_version = "HTTP/1.1"
    turn = threading.Lock()
    arrivals: ClassVar[list[float]] = []

    def do_POST(self) -> None:
        self.arrivals.append(time.monotonic())
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.turn:
            time.sleep(0.05)
        with suppress(BrokenPipeError):  # some do not wait that long
            self.send_response(202)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def till() -> Iterator[str]:
    Till.arrivals.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Till)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def customers(url: str) -> Iterator[Request]:
    return (Request("POST", url, {"number": number}) for number in itertools.count())


def test_an_open_loop_sends_each_request_when_it_is_due_however_slow_the_answers(till):
    report = open_loop(customers(till), rate=40, seconds=1)
    assert report.statuses() == {202: 40}
    assert Till.arrivals[-1] - Till.arrivals[0] < 1.6, "the last one was due after 0.975 s"
    assert report.lasted > 1.9, "one at a time they need two seconds"


def test_who_waits_in_line_counts_the_waiting(till):
    report = open_loop(customers(till), rate=40, seconds=1)
    assert report.percentile(100) > 0.8, "the last one waited for those before it"
    assert report.percentile(0) < 0.4


def test_a_closed_loop_has_so_many_requests_under_way_and_slows_down_with_the_system(till):
    report = closed_loop(customers(till), clients=2, seconds=1)
    assert 15 <= report.statuses()[202] <= 22
    assert report.rate(202) == pytest.approx(20, rel=0.3)


def test_who_gets_no_answer_is_counted_as_the_slowest():
    report = open_loop(customers("http://127.0.0.1:1/"), rate=10, seconds=0.5)
    assert report.statuses() == {NO_ANSWER: 5}
    assert report.percentile(50) == float("inf")


def test_an_answer_that_takes_too_long_is_none(till):
    report = open_loop(customers(till), rate=40, seconds=0.5, timeout=0.2)
    assert report.statuses()[NO_ANSWER] > 5
    assert report.statuses()[202] >= 3


def test_a_report_of_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="no requests"):
        Report().percentile(95)
