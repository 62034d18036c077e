"""The health check of docker-compose.yml, on real sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from labs.services.chassis.probe import main, probe


class Answer(BaseHTTPRequestHandler):
    """200 at /well, else 503 with words."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()
        self.wfile.write(b"the database is away")

    def log_message(self, *_arguments: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def http() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def says(greeting: bytes) -> Iterator[str]:
    """The address of somebody who answers the first bytes with this."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(100)
                client.sendall(greeting)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


def test_http_is_well_below_400_and_says_why_not(http):
    assert probe(f"http://{http}/well") == ""
    assert probe(f"http://{http}/ill") == f"http://{http}/ill answers 503: the database is away"


def test_tcp_is_well_when_somebody_listens(http):
    assert probe(f"tcp://{http}") == ""
    assert "refused" in probe("tcp://127.0.0.1:1")


def test_amqp_is_well_when_a_broker_greets():
    with says(b"\x01") as address:
        assert probe(f"amqp://{address}") == ""
    with says(b"HTTP/1.1 400") as address:
        assert probe(f"amqp://{address}") == f"amqp://{address} is not ready to speak"


def test_postgresql_is_well_when_it_asks_who_we_are_and_not_while_it_starts():
    with says(b"R\x00\x00\x00\x17\x00\x00\x00\nSCRAM-SHA-256\x00\x00") as address:
        assert probe(f"postgresql://{address}") == ""
    with says(b"E\x00\x00\x00\x40SFATAL\x00C57P03\x00Mthe database system is starting up\x00\x00") as address:
        assert probe(f"postgresql://{address}") == f"postgresql://{address} is not ready to speak"


def test_the_command_says_what_is_not_well(http, capsys):
    assert main([f"http://{http}/well"]) == 0
    assert main([f"http://{http}/well", f"http://{http}/ill", "tcp://127.0.0.1:1"]) == 1
    assert capsys.readouterr().out.count("\n") == 2
