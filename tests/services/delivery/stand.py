"""A test stand: a vhost of a real broker, and one service with a database whose handler does what the event asks for."""

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from kombu import Connection, Queue
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from labs.infra.broker import ADMIN, Broker
from labs.infra.home import PROJECT
from labs.infra.owner import Owner
from labs.infra.ports import Ports
from labs.infra.rabbitmq.provision import Management, Plan, prepare, remove
from labs.services.chassis import inbox, outbox, topology
from labs.services.chassis.database import Database
from labs.services.chassis.dead_letters import Letter, letters
from labs.services.chassis.events import Event
from labs.services.chassis.probe import probe
from labs.services.chassis.publisher import Outgoing, Publisher
from tests.infra import nodes

SERVICE, SOURCE = "probe-service", "source-service"
NOWHERE = "amqp://guest:guest@127.0.0.1:1/"
"""Where no broker is."""
QUEUE = f"evt-{SOURCE}-asked--{SERVICE}.obey"
WORKER = '''
import os, pathlib, signal, time
from pydantic import BaseModel
from sqlalchemy import text
from labs.services.chassis import logs, traces
from labs.services.chassis.handler import ServiceDatabase, handle_event
from labs.services.chassis.rpc import rpc

STARTS = pathlib.Path(__file__).with_name("starts")


class Wanted(BaseModel):
    wanted: int


class Probe:
    """Does what the event asks for, in this order: note the start, effect, tell, sleep, die, fail, find it hopeless."""

    name = "probe-service"
    db = ServiceDatabase()

    @handle_event("source-service", "asked")
    def obey(self, event, tx):
        with STARTS.open("a") as starts:
            starts.write(f"{event.id} {time.monotonic()}\\n")
        tx.execute(text("INSERT INTO effects (event_id) VALUES (:id)"), {"id": event.id})
        if "tell" in event.data:
            tx.tell(event.data["tell"], {"because": event.id})
        time.sleep(event.data.get("sleep", 0))
        count = STARTS.read_text().count(event.id)
        if count <= event.data.get("die", 0):
            os.kill(os.getpid(), signal.SIGKILL)
        if count <= event.data.get("fail", 0):
            raise ValueError(f"attempt {count} fails, as asked")
        if "hopeless" in event.data:
            Wanted.model_validate(event.data)

    @rpc
    def double(self, number):
        return 2 * number

    @rpc
    def story(self):
        return [logs.correlation_id(), traces.traceparent()]
'''


def eventually(look: Callable[[], Any], what: str, seconds: float = 15.0) -> Any:
    """What `look` returns, as soon as that is true; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)
    return found


def asked(**data: Any) -> Event:
    """An event for the stand's handler."""
    return Event(SOURCE, "asked", data, correlation_id=f"c-{secrets.token_hex(4)}")


def everything(node: nodes.Node) -> str:
    """The AMQP URL of a node's administrator."""
    return f"amqp://{nodes.ADMIN}:{quote(nodes.PASSWORD)}@127.0.0.1:{node.ports.amqp}//"


class Stand:
    """`amqp_url` may do everything in the vhost, `url_of(user)` what that user may; `directory` holds the worker's code,
    database and log."""

    def __init__(self, directory: Path, url_of: Callable[[str], str], owner: Owner, url: str = "") -> None:
        self.directory, self.url_of, self._owner = directory, url_of, owner
        self.name = f"probe-{secrets.token_hex(4)}"
        self.amqp_url = url_of("learner")
        self.module, self.log = directory / "probe_worker.py", directory / "log"
        self.module.write_text(WORKER)
        self.module.with_name("starts").touch()
        self.url = url or f"sqlite:///{directory}/probe.db"
        self.db = Database(self.url)
        for table in (outbox.outbox, inbox.inbox):
            table.metadata.create_all(self.db.engine)
        self.execute("CREATE TABLE effects (event_id VARCHAR NOT NULL)")
        self.publisher = Publisher(self.amqp_url, 5)
        self._ports = Ports()
        self.bind = f"127.0.0.1:{self._ports.claim()}"

    # --- the worker -------------------------------------------------------------------------------------------------

    def run(self, **environment: str) -> None:
        """A worker of the stand's module, forked as a system's would be; it may not be ready yet."""
        settings = {
            "SERVICE": SERVICE,
            "DATABASE_URL": self.url,
            "AMQP_URL": self.url_of("probe"),
            "BIND": self.bind,
            "PYTHONPATH": os.pathsep.join((str(self.directory), str(PROJECT))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BROKER_TIMEOUT": "1",
        }
        order = {
            "do": "start",
            "name": self.name,
            "argv": [sys.executable, "-m", "labs.services.chassis.worker", self.module.stem],
            "env": {"PATH": os.environ["PATH"], **settings, **environment},
            "cwd": str(self.directory),
            "log": str(self.log),
            "restart": "no",
            "grace": 10,
            "warm": "green",
            "rank": 0,
            "disposable": True,
        }
        self._owner.start(order)
        assert self._owner.wait(self.name, lambda news: news.starts > 0, 20), "the worker was not forked"

    def start(self, **environment: str) -> None:
        """A worker that listens."""
        self.run(**environment)

        def ready() -> bool:
            assert not self._owner.news(self.name).exits, self.said()
            return not probe(f"http://{self.bind}/health/started")

        eventually(ready, "the worker listens", 30)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the worker a signal; returns its exit code, negative for the signal that killed it."""
        self.signal(number)
        return self.ended()

    def signal(self, number: int) -> None:
        """Send the worker a signal."""
        os.kill(self._owner.news(self.name).pid, number)

    def ended(self, seconds: float = 15) -> int:
        """Its exit code when it ends."""
        assert self._owner.wait(self.name, lambda news: news.exits > 0, seconds), f"it runs on and says {self.said()}"
        code = self._owner.news(self.name).code
        assert code is not None
        return code

    def said(self) -> str:
        """All that its workers wrote so far."""
        return self.log.read_text() if self.log.exists() else ""

    def close(self) -> None:
        """End what runs."""
        if pid := self._owner.news(self.name).pid:
            os.kill(pid, signal.SIGKILL)
            self.ended()
        self.publisher.close()
        self.db.engine.dispose()
        self._ports.release()

    # --- what goes in, and what came of it --------------------------------------------------------------------------

    def ask(self, *events: Event) -> None:
        """Publish as the source would."""
        fates = self.publisher.publish([Outgoing.told(event) for event in events])
        assert not any(fates), fates

    def execute(self, sql: str, *parameters: Any) -> list[Any]:
        """On the service's database, from outside."""
        for number in range(len(parameters)):
            sql = sql.replace("?", f":p{number}", 1)
        with self.db.engine.begin() as connection:
            done = connection.execute(text(sql), {f"p{number}": value for number, value in enumerate(parameters)})
            return [tuple(row) for row in done] if done.returns_rows else []

    def effects(self, event: Event) -> int:
        """How often the event took effect."""
        return int(self.execute("SELECT count(*) FROM effects WHERE event_id = ?", event.id)[0][0])

    def starts(self, event: Event) -> list[float]:
        """When the handler was begun with it, in seconds."""
        lines = (self.directory / "starts").read_text().splitlines()
        return [float(line.split()[1]) for line in lines if line.startswith(event.id)]

    def waiting(self) -> int:
        """Events in the outbox that the broker has not confirmed."""
        return int(self.execute("SELECT count(*) FROM outbox WHERE sent_at IS NULL")[0][0])

    def depth(self, queue: str) -> int:
        """Messages in a queue that nobody has yet."""
        with Connection(self.amqp_url, connect_timeout=5) as connection:
            return int(connection.channel().queue_declare(queue, passive=True).message_count)

    def dead_letters(self, count: int = 1, seconds: float = 15) -> list[Letter]:
        """All of them, as soon as there are so many; they stay."""
        return eventually(
            lambda: len(found := letters(self.amqp_url, SERVICE)) >= count and found, "dead letters", seconds
        )

    def send(self, event: Event, **headers: Any) -> None:
        """Straight into the handler's queue, with these headers too."""
        self.send_raw(json.dumps(event.data).encode(), headers=event.headers() | headers)

    def send_raw(self, body: bytes, **properties: Any) -> None:
        """Whatever it is, as JSON unless told otherwise, into the handler's queue."""
        with Connection(self.amqp_url, connect_timeout=5) as connection:
            channel = connection.channel()
            kind = {"content_type": "application/json", "content_encoding": "utf-8"}
            channel.basic_publish(channel.prepare_message(body, **(kind | properties)), "", QUEUE)

    def metric(self, name: str, **labels: str) -> float:
        """What the worker's /metrics says about it; 0 for what it does not mention."""
        said = requests.get(f"http://{self.bind}/metrics", timeout=5).text
        found = (s for family in text_string_to_metric_families(said) for s in family.samples)
        return sum(s.value for s in found if s.name == name and labels.items() <= s.labels.items())

    def next_dead_letter(self, seconds: float = 15) -> Any:
        """Take the first from the queue of dead letters, and no more: a kombu message."""
        with Connection(self.amqp_url, connect_timeout=5) as connection:
            queue = Queue(topology.dead(SERVICE), channel=connection.channel())
            return eventually(lambda: queue.get(no_ack=True), "there is a dead letter", seconds)


@contextmanager
def stand(directory: Path, broker: Broker, owner: Owner, url: str = "") -> Iterator[Stand]:
    """A stand in a vhost of its own, whose processes `owner` starts; `url` is of an empty database, else it makes one."""
    vhost = f"stand-{secrets.token_hex(4)}"
    passwords = {name: secrets.token_hex(8) for name in ("probe", "source", "learner")}
    plan = Plan(f"http://{broker.http}", ADMIN, broker.password, vhost, ["probe", "source"], passwords)
    api = Management(plan)
    prepare(plan, api)
    made = Stand(directory, lambda user: f"amqp://{vhost}.{user}:{passwords[user]}@{broker.amqp}/{vhost}", owner, url)
    try:
        yield made
    finally:
        made.close()
        remove(plan, api)
