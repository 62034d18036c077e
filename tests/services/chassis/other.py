"""The other side of a call, in this process: it notes what it is asked and answers as a test says."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Answer(NamedTuple):
    """What to answer; None as status breaks the connection instead."""

    status: int | None = 200
    body: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012  nobody writes into it


class Other:
    """An HTTP server on a free port. `reply` is asked for each answer, in the server's threads."""

    def __init__(self, reply: Callable[[Asked], Answer] = lambda _: Answer()) -> None:
        self.reply, self.asked = reply, list[Asked]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
                asked = Asked(self.command, self.path, dict(self.headers), body)
                outer.asked.append(asked)
                status, answer, headers = outer.reply(asked)
                if status is None:
                    self.close_connection = True
                    return
                sent = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(sent)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked waits no longer
                    self.wfile.write(sent)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """No connection is taken any more."""
        self.http.shutdown()
        self.http.server_close()
