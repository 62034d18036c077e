"""A crowd comes when its profile says, whatever the shop does; and what is wrong with a profile is said."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from labs.classroom import watching
from labs.classroom.crowd import Crowd
from labs.classroom.slips import Slip


class Door(BaseHTTPRequestHandler):
    """Lets nobody through while it is shut."""

    protocol_version = "HTTP/1.1"
    open: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        self.open.wait(10)
        self.answer(200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(202 if self.headers["Idempotency-Key"] and self.headers["Authorization"] else 401)

    def answer(self, status: int) -> None:
        with suppress(BrokenPipeError):
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def shop() -> Iterator[Any]:
    Door.open.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    people = SimpleNamespace(headers=lambda _email: {"Authorization": "Bearer token"})
    yield SimpleNamespace(people=people, url=lambda _service, path: f"http://127.0.0.1:{server.server_port}{path}")
    Door.open.set()
    server.shutdown()
    thread.join()
    server.server_close()


def steadily(what: str) -> Iterator[tuple[float, str]]:
    return ((number / 50, what) for number in count())


def test_customers_look_and_buy_until_they_leave(shop: Any) -> None:
    crowd = Crowd(shop, ((n / 50, "buy" if n % 2 else "look") for n in count()))
    assert watching.until(lambda: crowd.came >= 10)
    seen = crowd.leave()
    assert {(visit.what, visit.status) for visit in seen} == {("look", 200), ("buy", 202)}
    assert [visit.due for visit in seen] == [number / 50 for number in range(len(seen))]


def test_they_go_on_coming_while_the_shop_is_shut_and_stand_in_line_for_a_hand(shop: Any) -> None:
    Door.open.clear()
    crowd = Crowd(shop, steadily("look"), hands=2)
    assert watching.until(lambda: crowd.came >= 30)
    Door.open.set()
    seen = crowd.leave()
    in_line = [visit for visit in seen if visit.sent - visit.due > 0.1]
    assert len(in_line) >= 10
    assert all(visit.answered >= visit.sent >= visit.due for visit in seen)


def test_who_gets_no_answer_is_seen(shop: Any) -> None:
    nobody = SimpleNamespace(people=shop.people, url=lambda _service, path: f"http://127.0.0.1:1{path}")
    crowd = Crowd(nobody, steadily("look"))
    assert watching.until(lambda: crowd.came >= 3)
    assert {visit.status for visit in crowd.leave()} == {0}


def test_a_profile_that_raises_is_named_with_the_visit_at_which_it_did(shop: Any) -> None:
    crowd = Crowd(shop, (1 / (number - 1) and (0.0, "look") for number in count()))
    with pytest.raises(Slip, match="visit 1 of your profile raised ZeroDivisionError"):
        crowd.leave()


def test_an_errand_that_nobody_knows_is_named(shop: Any) -> None:
    with pytest.raises(Slip, match="visit 0 of your profile raised KeyError: 'steal'"):
        Crowd(shop, steadily("steal")).leave()


def test_a_profile_in_which_no_time_passes_is_stopped(shop: Any) -> None:
    Door.open.clear()
    crowd = Crowd(shop, ((0.0, "look") for _ in count()), hands=1)
    assert watching.until(lambda: crowd._trouble)
    with pytest.raises(Slip, match="let time pass"):
        crowd.leave()
    assert not Door.open.is_set()  # nobody waited for those who still stood in line
    Door.open.set()
