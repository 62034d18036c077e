"""Looks into a running system from outside: queues, tables, what its processes say."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import requests
from kombu import Connection
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from labs.infra.broker import ADMIN
from labs.infra.logging import files
from labs.infra.logging.entries import structured
from labs.infra.system import POSTGRES, System
from labs.services.chassis.events import Event
from labs.services.chassis.publisher import Outgoing, Publisher


def until(condition: Callable[[], Any], within: float = 5.0) -> Any:
    """The first true value of `condition`, or its last value when the time (seconds) is up."""
    deadline = time.monotonic() + within
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.03)
    return value


def tell(system: System, event: Event, times: int = 1) -> None:
    """Publish an event as if its source did, `times` times over with the same id."""
    _publish(system, [Outgoing.told(event)] * times)


def hand(system: System, event: Event, queue: str, times: int = 1) -> list[str]:
    """Put an event into one queue, as if it had come there from its source, `times` times over with the same id; for each
    what `Publisher.publish` says of it."""
    return _publish(system, [replace(Outgoing.told(event), exchange="", routing_key=queue)] * times)


def _publish(system: System, letters: list[Outgoing]) -> list[str]:
    publisher = Publisher(system.amqp_url(), 5.0)
    fates = publisher.publish(letters)
    publisher.close()
    return fates


def depth(system: System, queue: str) -> int | None:
    """Messages that wait in a queue; None if there is no such queue."""
    with Connection(system.amqp_url(), connect_timeout=5) as connection:
        try:
            return int(connection.channel().queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:
            return None


def handler_queues(system: System, consumer: str, event_type: str) -> list[str]:
    """The queues of a service's handlers of one type of event; the names are nameko's: evt-SOURCE-TYPE--CONSUMER.METHOD."""
    return [
        queue for queue in queue_names(system) if queue.startswith("evt-") and f"-{event_type}--{consumer}." in queue
    ]


def listeners(system: System, source: str) -> list[str]:
    """The services that listen to the events of `source` now."""
    queues = [queue for queue in queue_names(system) if queue.startswith(f"evt-{source}-")]
    with Connection(system.amqp_url(), connect_timeout=5) as connection:
        channel = connection.channel()
        heard = [queue for queue in queues if channel.queue_declare(queue, passive=True).consumer_count]
    return sorted({queue.partition("--")[2].partition(".")[0] for queue in heard})


def queue_names(system: System) -> list[str]:
    """The names of all queues in the system's vhost."""
    return sorted(queue["name"] for queue in management(system, "GET", "queues").json())


def management(system: System, method: str, about: str, **sent: Any) -> requests.Response:
    """The answer of the broker's management interface, about the `queues` of the system's vhost, or what else it has there.
    Raises requests.RequestException."""
    assert system.broker is not None, "start the system first"
    url = f"http://{system.broker.http}/api/{about}/{system.id}"
    answer = requests.request(method, url, auth=(ADMIN, system.broker.password), timeout=10, **sent)
    answer.raise_for_status()
    return answer


def rows(system: System, service: str, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """What a query of a service's own database gives, with `?` for each parameter; read-only, whatever the query says."""
    if POSTGRES in system.profiles:
        return _rows_of_a_server(system.database_url(service), sql, parameters)
    path = system.places.volume(f"{service}-data") / f"{service}.db"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql, parameters)]


def _rows_of_a_server(url: str, sql: str, parameters: tuple[Any, ...]) -> list[dict[str, Any]]:
    engine = create_engine(url, poolclass=NullPool)
    asked = sql.replace("%", "%%").replace("?", "%s") if parameters else sql
    looking = engine.connect().execution_options(postgresql_readonly=True, no_parameters=not parameters)
    with looking as connection:
        return [dict(row) for row in connection.exec_driver_sql(asked, parameters or None).mappings()]


def claimed(system: System, service: str, event_id: str) -> bool:
    """Whether a service has committed the effect of an event."""
    return bool(rows(system, service, "SELECT 1 FROM inbox WHERE event_id = ?", event_id))


def told(system: System, service: str, event_type: str, order_id: str) -> int:
    """How many events of a type a service has committed for one order, sent or not."""
    query = "SELECT 1 FROM outbox WHERE type = ? AND json_extract(data, '$.order_id') = ?"
    return len(rows(system, service, query, event_type, order_id))


def suppressed(system: System, process: str, event_id: str) -> int:
    """How many duplicates of an event a process has recognised."""
    return sum(event_id in line and "suppressed" in line for line in files.lines(system.log(process)))


def last_error(system: System, process: str, trace_id: str = "") -> str:
    """The error that a worker logged last, since it was started, on this trace if one is given; empty if there is none."""
    entries = [entry for entry in _since_start(system, process) if "error" in entry]
    errors = [entry["error"] for entry in entries if trace_id in entry.get("trace", {}).get("id", "")]
    return f"{errors[-1]['type']}: {errors[-1]['message']}" if errors else ""


def handled(system: System, process: str, event_type: str) -> bool:
    """Whether a worker has called a handler for an event of this type since it was started."""
    return any(entry["message"] == f"handling {event_type}" for entry in _since_start(system, process))


def _since_start(system: System, process: str) -> list[dict[str, Any]]:
    """The log entries of a worker since its last start."""
    found: list[dict[str, Any]] = []
    for entry in structured(files.lines(system.log(process))):
        if entry["message"].startswith("starting services"):
            found.clear()
        found.append(entry)
    return found
