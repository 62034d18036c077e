"""The health check that docker-compose.yml asks with: `python -m labs.services.chassis.probe http://…`, and tcp://…, amqp://…
and postgresql://… where no container is.

Standard library only, so that a container needs no curl and a check costs little."""

import socket
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

TIMEOUT = 2.0
GREETINGS = {
    "amqp": (b"AMQP\x00\x00\x09\x01", b"\x01"),
    "postgresql": (b"\x00\x00\x00\x14\x00\x03\x00\x00user\x00probe\x00\x00", b"R"),  # R: it asks who we are
}
"""What is said first, and how the answer of a server that is ready begins."""
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy for the world outside, set by whoever runs us, does not know our own addresses."""


def probe(url: str) -> str:
    """Empty if what answers at `url` is well, else what is wrong in one line. amqp:// and postgresql:// wait for the
    server's first word: one that is still starting takes connections already."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "http":
            with DIRECT.open(url, timeout=TIMEOUT):
                return ""
        with socket.create_connection((parts.hostname or "", parts.port or 0), TIMEOUT) as connection:
            if parts.scheme == "tcp":
                return ""
            said, wanted = GREETINGS[parts.scheme]
            connection.sendall(said)
            return "" if connection.recv(512).startswith(wanted) else f"{url} is not ready to speak"
    except urllib.error.HTTPError as error:
        return f"{url} answers {error.code}: {error.read(300).decode(errors='replace').strip()}"
    except OSError as error:
        return f"{url}: {error}"


def main(urls: list[str]) -> int:
    """0 if all are well, else 1 after saying what is not."""
    complaints = [wrong for url in urls if (wrong := probe(url))]
    sys.stdout.write("".join(f"{wrong}\n" for wrong in complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
