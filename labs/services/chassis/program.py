"""Runs a program of one loop: `python -m labs.services.chassis.program labs.services.printing.main`. Its module has a function
`main(settings, ready)`, which calls `ready()` once it listens and then works for as long as it likes; what else a worker
gets from the chassis, nameko, inbox, outbox and logs as JSON, it does without."""

import importlib
import signal
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from labs.services.chassis import crash, health
from labs.services.chassis.settings import Settings, load

Main = Callable[[Settings, Callable[[], None]], None]


def main_of(module: ModuleType) -> Main:
    """The function that is the program. Raises SystemExit with what is wrong."""
    main = getattr(module, "main", None)
    if not callable(main):
        raise SystemExit(f"{module.__name__} must define a function `main(settings, ready)`")
    found: Main = main
    return found


def run(module_name: str) -> None:
    """Until SIGTERM; a program that has come to its end rests until then, and one that raises ends the process. Raises
    SystemExit."""
    settings = load(Settings)
    main = main_of(importlib.import_module(module_name))
    crash.arm(settings.crash)
    ready = threading.Event()
    _serve_health(settings, ready.is_set)
    signal.signal(signal.SIGTERM, _leave)
    main(settings, ready.set)
    ready.set()  # it has done all that it does
    while True:
        signal.pause()


def serve(app: Flask, host: str, port: int, name: str) -> None:
    """Answer from a thread of this name while the process lives."""
    server = make_server(host, port, app, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, name=name, daemon=True).start()


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """The platform asks all the time; the log is the program's own."""


def _leave(_signal: int, _frame: Any) -> None:
    """Ends whatever `main` waits for, by way of its own `with` blocks. What it has not acknowledged comes again."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise SystemExit(0)


def _serve_health(settings: Settings, started: Callable[[], bool]) -> None:
    app = Flask("program")
    app.register_blueprint(health.blueprint({}, {}, started))
    serve(app, *settings.address(), "health")


if __name__ == "__main__":
    run(sys.argv[1])
