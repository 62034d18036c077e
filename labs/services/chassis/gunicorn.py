"""gunicorn's settings, the same for every service: `gunicorn -c python:labs.services.chassis.gunicorn …`."""

from typing import Any

from gunicorn import glogging  # type: ignore[import-untyped]  # gunicorn has no types

from labs.services.chassis import multiprocess, rotation
from labs.services.chassis.settings import Settings, load
from labs.services.chassis.slow_clients import shut


class Logger(glogging.Logger):
    """gunicorn's own lines, its master's too, into the file that its worker's log goes to."""

    def setup(self, cfg: Any) -> None:
        """gunicorn calls it in each of its processes."""
        super().setup(cfg)
        if rotating := rotation.of(load(Settings)):
            for handler in self.error_log.handlers:
                handler.setStream(rotating)


bind = load(Settings).bind
workers = load(Settings).web_concurrency  # 1 by default: SQLite has one writer anyway; the load is spread over threads
worker_class = "labs.services.chassis.slow_clients.Worker"
logger_class = Logger
threads = 8
graceful_timeout = 8  # seconds for the requests under way after SIGTERM; docker-compose.yml grants 10
timeout = 60
keepalive = 5
loglevel = "warning"
forwarded_allow_ips = ""  # by default a header SCRIPT_NAME or X-Forwarded-Proto from the same host is believed
control_socket_disable = True
if workers > 1:
    multiprocess.begin()


def when_ready(server: Any) -> None:
    """gunicorn's master listens before it has a worker. Behind an open door a request would wait until one can answer, and
    whoever sent it could neither ask elsewhere nor know that nothing was begun; so the worker opens it."""
    for listener in server.LISTENERS:
        shut(listener)


def child_exit(_server: Any, worker: Any) -> None:
    """A worker has ended; the master starts another."""
    multiprocess.ended(worker.pid)


def on_exit(_server: Any) -> None:
    """The master ends."""
    multiprocess.end()
