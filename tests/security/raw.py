"""HTTP by hand, for what no client library would send."""

import re
import socket
from typing import NamedTuple

TIMEOUT = 10.0
"""Seconds."""


class Heard(NamedTuple):
    """An answer. `status` is 0 if the connection was closed without one; header names are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


def connect(address: str) -> socket.socket:
    """To host:port."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), TIMEOUT)


def spoken(address: str, line: str | bytes, *headers: str | bytes, body: bytes = b"") -> Heard:
    """What is answered to a request of this line, these headers and Host; texts are sent as UTF-8."""
    with connect(address) as client:
        head = b"".join(_bytes(each) + b"\r\n" for each in (line, "Host: shop", *headers))
        client.sendall(head + b"\r\n" + body)
        return heard(client)


def heard(client: socket.socket) -> Heard:
    """The next answer on a connection."""
    said = b""
    while not (whole := _parsed(said)):
        try:
            more = client.recv(65536)
        except ConnectionResetError:
            more = b""
        if not more:
            return _parsed(said + b"\r\n\r\n", cut=True) or Heard(0, {}, said)
        said += more
    return whole


def _parsed(said: bytes, cut: bool = False) -> Heard | None:
    head, ended, body = said.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.[01] (\d\d\d)", head)
    if not ended or not status:
        return None
    headers = {
        name.strip().lower(): value.strip() for name, _, value in map(_halves, head.decode("latin-1").split("\r\n")[1:])
    }
    length = int(headers.get("content-length", 0))
    return Heard(int(status[1]), headers, body[:length]) if cut or len(body) >= length else None


def _halves(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
