"""The health check that docker-compose.yml asks with: `python -m labs.services.chassis.probe http://…|tcp://…|amqp://…`.

Standard library only, so that a container needs no curl and a check costs little."""

import socket
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

TIMEOUT = 2.0
AMQP_GREETING = b"AMQP\x00\x00\x09\x01"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy for the world outside, set by whoever runs us, does not know our own addresses."""


def probe(url: str) -> str:
    """Empty if what answers at `url` is well, else what is wrong in one line. amqp:// waits for the broker's greeting."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "http":
            with DIRECT.open(url, timeout=TIMEOUT):
                return ""
        with socket.create_connection((parts.hostname or "", parts.port or 0), TIMEOUT) as connection:
            if parts.scheme == "tcp":
                return ""
            connection.sendall(AMQP_GREETING)
            return "" if connection.recv(1) == b"\x01" else f"{url} does not speak AMQP"
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
