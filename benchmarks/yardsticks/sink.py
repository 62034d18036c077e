"""A collector that takes spans over OTLP/HTTP, counts the requests, and keeps nothing. GET / answers how many came.

`python -m benchmarks.yardsticks.sink HOST:PORT`"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink(BaseHTTPRequestHandler):
    """POST anything."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    taken = 0

    def do_POST(self) -> None:
        """Taken."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Sink.taken += 1
        self._answer(b"")

    def do_GET(self) -> None:
        """How many."""
        self._answer(str(Sink.taken).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    ThreadingHTTPServer((host, int(port)), Sink).serve_forever()
