"""Free ports on 127.0.0.1 that two systems, notebooks or users on one host never both take."""

import random
import socket

FIRST, LAST = 20_000, 29_999
"""Below the range from which the operating system takes ports for outgoing connections (Linux 32768, macOS 49152)."""
HOST = "127.0.0.1"


class NoPorts(Exception):
    """Nothing is free in the range."""


class Ports:
    """A claim on ports. While one for TCP is held the UDP port of the same number is bound, and the other way round; whoever
    looks for a free port looks at both. The claim ends with its process, however that ends."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []

    def claim(self, udp: bool = False) -> int:
        """A TCP port, or one for UDP, that nobody listens on and nobody else has claimed. Raises NoPorts."""
        held, free = (socket.SOCK_STREAM, socket.SOCK_DGRAM) if udp else (socket.SOCK_DGRAM, socket.SOCK_STREAM)
        start = random.randrange(FIRST, LAST + 1)
        for offset in range(LAST - FIRST + 1):
            port = FIRST + (start - FIRST + offset) % (LAST - FIRST + 1)
            claim = _bind(held, port)
            if claim is None:
                continue
            if (other := _bind(free, port)) is not None:
                other.close()
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
