"""`python -m labs.infra.tracing --query 127.0.0.1:16686 --otlp 127.0.0.1:4318 --agent 127.0.0.1:6831`: a collector in one
process, with everything in its memory. When it ends, so do the traces."""

import argparse
import socket
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it has no types

from labs.infra.tracing import intake
from labs.infra.tracing.app import create_app
from labs.infra.tracing.store import MEMORY, Store
from labs.services.chassis import logs
from labs.services.chassis.slow_clients import shut


class Collector(BaseApplication):
    """gunicorn with one worker, since one memory holds everything."""

    def __init__(self, addresses: list[str], agent: socket.socket, memory: int) -> None:
        self._addresses, self._agent, self._memory = addresses, agent, memory
        super().__init__()

    def load_config(self) -> None:
        """gunicorn asks for it."""
        settings = {
            "bind": self._addresses,
            "workers": 1,
            "worker_class": "labs.services.chassis.slow_clients.Worker",
            "threads": 8,
            "keepalive": 30,
            "graceful_timeout": 3,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": _shut,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """In the worker, which has threads of its own."""
        store = Store(self._memory)
        intake.Agent(store, self._agent).start()
        return create_app(store)


def main(arguments: list[str]) -> None:
    """Until SIGTERM. Raises SystemExit with what keeps it from running."""
    parser = argparse.ArgumentParser(prog="python -m labs.infra.tracing", description=(__doc__ or "").partition(":")[2])
    parser.add_argument("--query", default="127.0.0.1:16686", help="host:port of Jaeger's query API and of the page")
    parser.add_argument("--otlp", default="127.0.0.1:4318", help="host:port that takes OTLP over HTTP")
    parser.add_argument("--agent", default="127.0.0.1:6831", help="host:port that takes compact Thrift over UDP")
    parser.add_argument("--memory", type=int, default=MEMORY // 2**20, help="megabytes for spans")
    asked = parser.parse_args(arguments)
    logs.configure("tracing")
    host, _, port = asked.agent.rpartition(":")
    try:
        agent = intake.listen(host, int(port))
    except (OSError, ValueError, OverflowError) as error:
        raise SystemExit(
            f"No packets can be taken at {asked.agent}: {error}. Choose another --agent host:port."
        ) from None
    Collector([asked.query, asked.otlp], agent, asked.memory * 2**20).run()


def _shut(server: Any) -> None:
    """As chassis.gunicorn: nobody is let in before there is a worker who answers."""
    for listener in server.LISTENERS:
        shut(listener)


if __name__ == "__main__":
    main(sys.argv[1:])
