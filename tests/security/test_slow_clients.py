"""Clients that take their time: they cost nobody else any, at a service and at the gateway, and are sent away in the end."""

import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from uuid import uuid4

import pytest
import requests
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from hypothesis import given, settings
from hypothesis import strategies as st

import tests.unhurried  # noqa: F401  no clock
from labs.services.chassis.slow_clients import LONGEST_HEAD, PATIENCE, Arriving
from tests.security.raw import connect, heard, spoken

MANY = 20
"""A service has 8 threads."""
WITHIN = 2.0
"""Seconds for somebody else's request, meanwhile."""
LOGIN = b"POST /tokens HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
SLOW = {
    "nothing": b"",
    "half a line": b"GET /us",
    "half a head": b"GET /users HTTP/1.1\r\nHost: shop\r\nX-Slow: ",
    "half a body": LOGIN + b'Content-Length: 500\r\n\r\n{"email": ',
    "half of the chunks": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "half a chunk": LOGIN + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
    "a body for nobody": b"POST /users/nobody HTTP/1.1\r\nHost: shop\r\nContent-Length: 500\r\n\r\n{",
    "a body beyond all bounds": LOGIN + b"Content-Length: 900000000\r\n\r\n{",
    "one request after the other, and then half of one": b"GET /users HTTP/1.1\r\nHost: shop\r\n\r\n" * 3 + b"GET /u",
    "all, and stay when they should go": b"GET /users HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n",
    "nonsense, and stay": b"nonsense\r\n\r\n",
}


@pytest.mark.parametrize("door", ["user-service", "gateway", "monolith"])
@pytest.mark.parametrize("kind", SLOW)
def test_many_who_send_it_slowly_hold_up_nobody(attacked, door, kind):
    address = attacked.where.address(door)
    slow = [connect(address) for _ in range(MANY)]
    try:
        for client in slow:
            client.sendall(SLOW[kind])
        began = time.monotonic()
        for _ in range(3):
            answer = requests.get(f"http://{address}/.well-known/jwks.json", timeout=WITHIN)
            assert answer.status_code == 200
        assert time.monotonic() - began < WITHIN
    finally:
        for client in slow:
            client.close()


def test_who_never_comes_to_an_end_is_sent_away(attacked):
    doors = [
        (door, attacked.where.address(door), patience) for door, patience in (("user-service", 5), ("gateway", 10))
    ]
    unfinished = [kind for kind in SLOW if kind.startswith(("half", "one"))]
    waiting = [(door, kind, connect(address), patience) for door, address, patience in doors for kind in unfinished]
    for _, kind, client, _ in waiting:
        client.sendall(SLOW[kind])
    began = time.monotonic()
    for door, kind, client, patience in waiting:
        client.settimeout(max(0.1, began + patience + 5 - time.monotonic()))
        with client:
            assert ended(client), f"{door} still listens to {kind}"


def ended(client: socket.socket) -> bool:
    """Whether the other side hangs up in time, whatever it says before."""
    try:
        while client.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True
    return True


@pytest.mark.parametrize("door", ["user-service", "gateway"])
def test_a_request_in_many_small_pieces_is_answered_like_any_other(attacked, door):
    body = b'{"email": "%b@example.org", "password": "wrong password"}' % uuid4().hex.encode()
    whole = LOGIN + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with connect(attacked.where.address(door)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):  # the connection is kept
            for at in range(0, len(whole), 7):
                client.sendall(whole[at : at + 7])
            assert heard(client).status == 401


@pytest.mark.parametrize("door", ["user-service", "gateway"])
def test_a_body_in_chunks_is_read(attacked, door):
    pieces = (b'{"email": "%b@example.org", ' % uuid4().hex.encode(), b'"password": "wrong password"}', b"")
    chunks = b"".join(b"%x;name=value\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    headers = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    answer = spoken(attacked.where.address(door), "POST /tokens HTTP/1.1", *headers, body=chunks)
    assert answer.status == 401, answer.body


@pytest.mark.parametrize(
    "chunks", [b"x\r\n", b"5\r\nhellohello\r\n0\r\n\r\n", b"-1\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n"]
)
@pytest.mark.parametrize("door", ["user-service", "gateway"])
def test_chunks_that_are_none_are_refused(attacked, door, chunks):
    headers = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    answer = spoken(attacked.where.address(door), "POST /tokens HTTP/1.1", *headers, body=chunks)
    assert answer.status == 400, answer


def test_requests_sent_in_one_go_are_answered_one_after_the_other(attacked):
    with connect(attacked.where.address("user-service")) as client:
        client.sendall(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: shop\r\n\r\n" * 2)
        said = b""
        while said.count(b'"keys"') < 2:
            said += client.recv(65536)
        assert said.count(b"HTTP/1.1 200") == 2


class WaitsForTheClient(Exception):
    """The parser asked for more than there was."""


def read(data: bytes) -> None:
    """As gunicorn's thread does. Raises WaitsForTheClient, and what gunicorn raises for what is malformed."""

    def come() -> Iterator[bytes]:
        yield data
        raise WaitsForTheClient

    request = next(RequestParser(Config(), come(), ("127.0.0.1", 1)))
    while request.body.read(65536):
        pass


HEADS = st.sampled_from(
    [
        b"",
        b"Content-Length: 5\r\n",
        b"content-length:5\r\n",
        b"Content-Length: 0\r\n",
        b"Content-Length: 5\r\nContent-Length: 9\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 5 \r\n",
        b"Content-Length : 5\r\n",
        b"X: Content-Length: 5\r\n",
        b"X-Content-Length: 5\r\n",
        b"X: y\r\n Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"TRANSFER-ENCODING:chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\nTransfer-Encoding: chunked\r\n",
    ]
)
PIECES = [
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"0\r\nX: y\r\n\r\n",
    b"hello",
    b"\r\n",
    b"-1\r\n",
    b"1_0\r\n",
    b" 5\r\n",
    b"x",
    b"5;a\r\nhello\r\n",
]
BODIES = st.lists(st.sampled_from(PIECES), max_size=5).map(b"".join)


@given(head=HEADS, body=BODIES, cuts=st.lists(st.integers(0, 90), max_size=4))
@settings(max_examples=400, derandomize=True, database=None)
def test_a_thread_that_gets_a_request_never_waits_for_its_client(head, body, cuts):
    data = b"POST /x HTTP/1.1\r\nHost: shop\r\n" + head + b"\r\n" + body
    arriving, places = Arriving(), sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    for begin, end in pairwise(places):
        if arriving.whole(data[begin:end]):
            try:
                read(data[:end])
            except WaitsForTheClient:
                pytest.fail(f"a thread waits for more than {data[:end]!r}")
            except Exception as error:  # noqa: BLE001  gunicorn refuses what is malformed, in ways of its own
                assert type(error).__module__.startswith("gunicorn")
            return


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"", b""),
        (b"Content-Length: 5\r\n", b"hello"),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"5;name=value\r\nhello\r\n0\r\nX-Sum: x\r\n\r\n"),
    ],
)
def test_a_request_is_whole_with_its_last_byte_and_not_before(head, body):
    data, arriving = b"POST /x HTTP/1.1\r\nHost: shop\r\n" + head + b"\r\n" + body, Arriving()
    assert [arriving.whole(data[at : at + 1]) for at in range(len(data))] == [False] * (len(data) - 1) + [True]
    read(data)


def test_what_is_too_large_is_not_waited_for():
    for too_much in (b"X: " + b"x" * LONGEST_HEAD, b"POST / HTTP/1.1\r\nContent-Length: 1000001\r\n\r\n"):
        arriving = Arriving()
        assert arriving.whole(too_much) and arriving.hopeless
    assert PATIENCE < 10, "seconds"
