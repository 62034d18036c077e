"""Rule 3: what a queue promises on one node it keeps with three when one of them dies, its leader too."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from kombu import Connection, Exchange, Queue

from labs.infra.programs import find_rabbitmq
from labs.infra.rabbitmq.recipe import Ports, prepare
from labs.services.chassis import topology
from labs.services.chassis.publisher import BrokerAway, Outgoing, Publisher
from tests.faults.storm import LONG
from tests.infra.nodes import ADMIN, PASSWORD, eventually, free_ports

MESSAGES, KILLED_AT = 2000, 700
NODES = (1, 2, 3)
SERVICE, QUEUE = "order-service", "evt-probe"

pytestmark = pytest.mark.skipif(
    not LONG, reason="three brokers take a minute to come up: `make test-faults` has the time"
)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[dict[int, tuple[Ports, "subprocess.Popen[bytes]"]]]:
    """Three nodes that know each other; ports and process by number."""
    epmd, ports = free_ports().epmd, {number: free_ports() for number in NODES}
    with ExitStack() as ending:
        running = {}
        for number in NODES:
            ports[number] = replace(ports[number], epmd=epmd)
            running[number] = (ports[number], ending.enter_context(_node(tmp_path, number, ports[number])))
        for number in NODES:
            eventually(
                lambda number=number: _members(ports[number]) == len(NODES), 180, f"node {number} knows the others"
            )
        yield running


@contextmanager
def _node(place: Path, number: int, ports: Ports) -> "Iterator[subprocess.Popen[bytes]]":
    directory = place / f"n{number}"
    directory.mkdir(parents=True)
    cookie = directory / ".erlang.cookie"
    cookie.write_text("the cookie of these three nodes")
    cookie.chmod(0o600)
    rabbit = find_rabbitmq()
    assert rabbit
    command, environment = prepare(directory, ports, rabbit)
    with (directory / "rabbitmq.conf").open("a") as settings:
        settings.write("cluster_formation.peer_discovery_backend = classic_config\n")
        settings.writelines(f"cluster_formation.classic_config.nodes.{n} = lab{n}@localhost\n" for n in NODES)
    environment |= {
        "RABBITMQ_NODENAME": f"lab{number}@localhost",
        "RABBITMQ_DEFAULT_USER": ADMIN,
        "RABBITMQ_DEFAULT_PASS": PASSWORD,
    }
    with (directory / "log.txt").open("ab") as log:
        node = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=directory, start_new_session=True)
    try:
        yield node
    finally:
        if node.poll() is None:
            os.killpg(node.pid, signal.SIGKILL)
            node.wait()
        subprocess.run(["epmd", "-kill"], env=environment, capture_output=True, check=False)


def test_three_nodes_outlive_the_death_of_the_one_that_leads(cluster: dict) -> None:
    queue = Queue(QUEUE, Exchange(topology.again(SERVICE), "direct", durable=True), QUEUE)
    with Connection(_url(cluster[1][0])) as connection:
        topology.declare(SERVICE, [_with_arguments(queue)], connection.channel())
    leader, members = _leader(cluster[2][0])
    assert len(members) == len(NODES)

    publishers = [Publisher(_url(ports), 5.0) for ports, _ in cluster.values()]
    confirmed, wanted = set(), [f"m{n}" for n in range(MESSAGES)]
    while missing := [name for name in wanted if name not in confirmed]:
        batch = missing[:100]
        if len(confirmed) >= KILLED_AT and cluster[leader][1].poll() is None:
            os.killpg(cluster[leader][1].pid, signal.SIGKILL)
            cluster[leader][1].wait()
        messages = [Outgoing(topology.again(SERVICE), QUEUE, name, {}, b"{}") for name in batch]
        try:
            fates = publishers[0].publish(messages)
        except BrokerAway:
            publishers.append(publishers.pop(0))  # ask another node
        else:
            confirmed.update(name for name, fate in zip(batch, fates, strict=True) if not fate)
    for publisher in publishers:
        publisher.close()

    assert cluster[leader][1].poll() == -signal.SIGKILL
    survivor = next(ports for ports, node in cluster.values() if node.poll() is None)
    assert _read(survivor) >= set(wanted), "what was confirmed is there"


def _read(ports: Ports) -> set[str]:
    with Connection(_url(ports)) as connection:
        queue = Queue(QUEUE, channel=connection.channel())
        found = set()
        while message := queue.get(no_ack=True):
            found.add(message.properties["message_id"])
        return found


def _with_arguments(queue: Queue) -> Queue:
    queue.queue_arguments = topology.handler_arguments(SERVICE)
    return queue


def _url(ports: Ports) -> str:
    return f"amqp://{ADMIN}:{quote(PASSWORD)}@127.0.0.1:{ports.amqp}//"


def _ask(ports: Ports, path: str) -> list[dict[str, Any]]:
    try:
        answer = requests.get(f"http://127.0.0.1:{ports.http}/api/{path}", auth=(ADMIN, PASSWORD), timeout=10)
    except requests.RequestException:  # it boots
        return []
    return list(answer.json()) if answer.ok else []


def _members(ports: Ports) -> int:
    return sum(bool(node.get("running")) for node in _ask(ports, "nodes"))


def _leader(ports: Ports) -> tuple[int, list[str]]:
    """The number of the node that leads the queue, and the names of all that have a copy of it."""

    def led() -> dict[str, Any]:
        return next((q for q in _ask(ports, "queues") if q["name"] == QUEUE and q.get("leader")), {})

    eventually(led, 30, "the queue has a leader")
    found = led()
    return int(found["leader"].removeprefix("lab").partition("@")[0]), found["members"]
