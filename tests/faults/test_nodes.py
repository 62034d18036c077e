"""Rule 3: what a queue promises on one node it keeps with three when one of them dies, its leader too."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from kombu import Connection, Exchange, Queue

from labs.infra.programs import find_rabbitmq
from labs.infra.rabbitmq.recipe import Ports, prepare
from labs.infra.warm import die_with_parent
from labs.services.chassis import topology
from labs.services.chassis.publisher import BrokerAway, Outgoing, Publisher
from tests.faults.storm import LONG
from tests.infra.nodes import ADMIN, PASSWORD, eventually, free_ports

MESSAGES, KILLED_AT = 2000, 700
NODES = (1, 2, 3)
SERVICE, QUEUE = "order-service", "evt-probe"

pytestmark = pytest.mark.skipif(not LONG, reason="three brokers need a minute to come up: `make test-faults` has it")


@dataclass
class Node:
    """One of them: where it lives, how it is started, its process once it is."""

    directory: Path
    ports: Ports
    command: list[str]
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]" = field(init=False)

    @property
    def amqp_url(self) -> str:
        return f"amqp://{ADMIN}:{quote(PASSWORD)}@127.0.0.1:{self.ports.amqp}//"

    def members(self) -> int:
        """How many nodes it sees at work."""
        assert self.process.poll() is None, (self.directory / "log.txt").read_text()[-2000:]
        return sum(bool(node.get("running")) for node in self._ask("nodes"))

    def queue(self) -> dict[str, Any]:
        """What it knows of the queue."""
        return next((each for each in self._ask("queues") if each["name"] == QUEUE), {})

    def _ask(self, path: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{self.ports.http}/api/{path}"
        try:
            answer = requests.get(url, auth=(ADMIN, PASSWORD), timeout=10)
        except requests.RequestException:  # it boots
            return []
        return list(answer.json()) if answer.ok else []


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[dict[int, Node]]:
    """Three nodes that know each other, by number."""
    epmd = free_ports().epmd
    with ExitStack() as ending:
        nodes = {n: _prepare(tmp_path / f"n{n}", n, replace(free_ports(), epmd=epmd)) for n in NODES}
        mapper = ["epmd", "-port", str(epmd), "-address", "127.0.0.1"]
        ending.enter_context(_running(mapper, nodes[1].environment, tmp_path / "epmd.log"))
        for node in nodes.values():
            log = node.directory / "log.txt"
            node.process = ending.enter_context(_running(node.command, node.environment, log))
        for node in nodes.values():
            eventually(lambda node=node: node.members() == len(NODES), 180, f"{node.directory} knows the others")
        yield nodes


def _prepare(directory: Path, number: int, ports: Ports) -> Node:
    directory.mkdir()
    cookie = directory / ".erlang.cookie"
    cookie.write_text("the-cookie-of-these-three-nodes")
    cookie.chmod(0o600)
    rabbit = find_rabbitmq()
    assert rabbit
    command, environment = prepare(directory, ports, rabbit)
    with (directory / "rabbitmq.conf").open("a") as settings:
        settings.write("cluster_formation.peer_discovery_backend = classic_config\n")
        settings.writelines(f"cluster_formation.classic_config.nodes.{n} = lab{n}@localhost\n" for n in NODES)
    environment |= {"RABBITMQ_DEFAULT_USER": ADMIN, "RABBITMQ_DEFAULT_PASS": PASSWORD}
    return Node(directory, ports, command, environment | {"RABBITMQ_NODENAME": f"lab{number}@localhost"})


@contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=log.parent,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_three_nodes_outlive_the_death_of_the_one_that_leads(cluster: dict[int, Node]) -> None:
    queue = Queue(QUEUE, Exchange(topology.again(SERVICE), "direct", durable=True), QUEUE)
    queue.queue_arguments = topology.handler_arguments(SERVICE)
    with Connection(cluster[1].amqp_url) as connection:
        topology.declare(SERVICE, [queue], connection.channel())
    eventually(lambda: cluster[1].queue().get("leader"), 30, "the queue has a leader")
    found = cluster[1].queue()
    assert len(found["members"]) == len(NODES)
    leader = cluster.pop(int(found["leader"].removeprefix("lab").partition("@")[0]))

    publishers = [Publisher(node.amqp_url, 5.0) for node in (leader, *cluster.values())]
    wanted, confirmed, away = [f"m{n}" for n in range(MESSAGES)], set[str](), 0
    while missing := [name for name in wanted if name not in confirmed][:100]:
        if len(confirmed) >= KILLED_AT and leader.process.poll() is None:
            os.killpg(leader.process.pid, signal.SIGKILL)
            leader.process.wait()
        try:
            fates = publishers[0].publish(
                [Outgoing(topology.again(SERVICE), QUEUE, name, {}, b"{}") for name in missing]
            )
        except BrokerAway:
            away += 1
            assert away < 60, "nobody leads the queue any more"
            publishers.append(publishers.pop(0))  # ask another node
        else:
            confirmed.update(name for name, fate in zip(missing, fates, strict=True) if not fate)
    for publisher in publishers:
        publisher.close()

    assert away > 0, "the death came too late to hurt"
    with Connection(next(iter(cluster.values())).amqp_url) as connection:
        reading, there = Queue(QUEUE, channel=connection.channel()), set[str]()
        while message := reading.get(no_ack=True):
            there.add(message.properties["message_id"])
    assert there == set(wanted), "what was confirmed is there"
