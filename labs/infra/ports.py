"""Free ports on 127.0.0.1 that two systems, notebooks or users on one host never both take."""

import random
import socket

FIRST, LAST = 20_000, 29_999
"""Below the range from which the operating system takes ports for outgoing connections (Linux 32768, macOS 49152)."""
HOST = "127.0.0.1"


class NoPorts(Exception):
    """Nothing is free in the range."""


class Ports:
    """A claim on TCP ports. While a claim is held the UDP port of the same number is bound, and whoever looks for a free
    port looks there too; the claim ends with its process, however that ends."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []

    def claim(self) -> int:
        """A TCP port that nobody listens on and nobody else has claimed. Raises NoPorts."""
        start = random.randrange(FIRST, LAST + 1)
        for offset in range(LAST - FIRST + 1):
            port = FIRST + (start - FIRST + offset) % (LAST - FIRST + 1)
            claim = _bind(socket.SOCK_DGRAM, port)
            if claim is None:
                continue
            if (tcp := _bind(socket.SOCK_STREAM, port)) is not None:
                tcp.close()
                self._claims.append(claim)
                return port
            claim.close()
        raise NoPorts(
            f"No free port between {FIRST} and {LAST} on {HOST}. `lab ps` shows what runs, `lab down` ends it."
        )

    def release(self) -> None:
        """Give all back."""
        for claim in self._claims:
            claim.close()
        self._claims.clear()


def _bind(kind: socket.SocketKind, port: int) -> socket.socket | None:
    """A socket bound there, or None where someone else is."""
    candidate = socket.socket(socket.AF_INET, kind)
    try:
        candidate.bind((HOST, port))
    except OSError:
        candidate.close()
        return None
    return candidate
