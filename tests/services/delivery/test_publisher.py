"""The publisher on a real broker: it knows what became of each message, and never waits longer than it was told."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import kombu
import pytest
import requests
from kombu.simple import SimpleQueue

from labs.services.chassis.events import Event
from labs.services.chassis.publisher import BrokerAway, Outgoing, Publisher
from tests.infra import nodes
from tests.services.delivery.stand import NOWHERE, eventually, everything


@pytest.fixture
def heard(bench) -> Iterator[SimpleQueue]:
    """A queue that is bound to what source-service tells as "heard"."""
    with kombu.Connection(bench.amqp_url) as connection:
        exchange = kombu.Exchange("source-service.events", "topic", no_declare=True)
        queue = kombu.Queue("listener", exchange, "heard", durable=True)
        with connection.SimpleQueue(queue, no_ack=True) as listening:
            yield listening


def told(event_type: str = "heard", **changes: str) -> Outgoing:
    return Outgoing.told(Event("source-service", event_type, {"n": 1}, **changes))


def test_it_tells_for_each_message_whether_the_broker_took_it(bench, heard):
    first = Event("source-service", "heard", {"n": 1})
    messages = [Outgoing.told(first), told("unheard"), told(), told("unheard"), told()]
    assert bench.publisher.publish(messages) == ["", "unroutable", "", "unroutable", ""]
    arrived = [heard.get(timeout=5) for _ in range(3)]
    assert [m.properties["message_id"] for m in arrived] == [messages[i].message_id for i in (0, 2, 4)]
    assert {m.properties["delivery_mode"] for m in arrived} == {2}
    assert Event.read(arrived[0].headers, arrived[0].payload) == first


def test_one_id_twice_in_a_batch_is_two_messages(bench, heard):
    twice = [told("unheard", id="one"), told("heard", id="one"), told("unheard", id="one")]
    assert bench.publisher.publish(twice) == ["unroutable", "", "unroutable"]
    assert heard.get(timeout=5).properties["message_id"] == "one"


@pytest.mark.usefixtures("heard")
def test_a_missing_exchange_is_the_fate_of_its_message_and_the_next_batch_passes(bench):
    lost = Outgoing.told(Event("nobody", "heard", {}))
    (fate,) = bench.publisher.publish([lost])
    assert fate.startswith("NotFound") and "nobody.events" in fate
    assert bench.publisher.publish([told()]) == [""]


def test_a_full_queue_is_a_refusal(bench):
    with kombu.Connection(bench.amqp_url) as connection:
        small = {"x-max-length": 1, "x-overflow": "reject-publish"}
        exchange = kombu.Exchange("source-service.events", "topic", no_declare=True)
        kombu.Queue("small", exchange, "heard", queue_arguments=small)(connection.channel()).declare()
    assert bench.publisher.publish([told()]) == [""]
    assert bench.publisher.publish([told()]) == ["refused"]


@pytest.mark.usefixtures("heard")
def test_a_connection_that_the_broker_dropped_while_it_was_idle_costs_one_attempt(bench, broker):
    assert bench.publisher.publish([told()]) == [""]
    user = kombu.Connection(bench.amqp_url).userid
    url, auth = f"http://{broker.http}/api/connections/username/{user}", ("admin", broker.password)
    assert requests.delete(url, auth=auth, timeout=5).status_code == 204
    with pytest.raises(BrokerAway):
        eventually(lambda: bench.publisher.publish([told()]) != [""], "the connection is dropped")
    assert bench.publisher.publish([told()]) == [""]


@pytest.mark.usefixtures("heard")
def test_threads_take_turns(bench):
    fates: list[str] = []

    def publish() -> None:
        for _ in range(20):
            fates.extend(bench.publisher.publish([told(), told("unheard")]))

    threads = [threading.Thread(target=publish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(fates) == [""] * 160 + ["unroutable"] * 160


def test_what_is_not_json_spoils_neither_the_batch_nor_the_next(bench, heard):
    with pytest.raises(TypeError, match="not JSON serializable"):
        bench.publisher.publish([told(), Outgoing.told(Event("source-service", "heard", {"n": {1}}))])
    assert bench.publisher.publish([told()]) == [""]
    assert heard.get(timeout=5) and heard.qsize() == 0


def test_nobody_there_is_said_at_once():
    publisher = Publisher(NOWHERE, 5)
    began = time.monotonic()
    with pytest.raises(BrokerAway, match="ConnectionRefusedError"):
        publisher.publish([told()])
    assert time.monotonic() - began < 1


@pytest.fixture
def publisher(node) -> Iterator[Publisher]:
    publisher = Publisher(everything(node), 1.0)
    yield publisher
    publisher.close()


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "not yet connected"])
def test_a_frozen_broker_is_away_within_the_time_limit_and_serves_again_when_it_thaws(node, publisher, connected):
    if connected:
        assert publisher.publish([told()]) == [""]
    node.beam().send_signal(signal.SIGSTOP)
    try:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(BrokerAway, match=r"imed out|no confirm"):
                publisher.publish([told() for _ in range(100)])
            assert time.monotonic() - began < 2
    finally:
        node.beam().send_signal(signal.SIGCONT)

    def publishes() -> bool:
        try:
            return publisher.publish([told()]) == [""]
        except BrokerAway:
            return False

    eventually(publishes, "it serves again", 5)


def test_a_broker_without_memory_is_away_until_it_has_some(node, publisher):
    assert publisher.publish([told()]) == [""]
    control(node, "set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        began = time.monotonic()
        with pytest.raises(BrokerAway, match="no confirm"):
            publisher.publish([told()])
        assert time.monotonic() - began < 2
    finally:
        control(node, "set_vm_memory_high_watermark", "absolute", "400MB")
    eventually(lambda: publisher.publish([told()]) == [""], "it serves again", 5)


def control(node: nodes.Node, *command: str) -> None:
    """`rabbitmqctl`, in the environment that the node's own start script made."""
    environment = node.beam().environ()
    environment["PATH"] = os.pathsep.join((str(node.directory / "bin"), environment["PATH"]))  # a fetched Erlang's own
    program = Path(environment["RABBITMQ_SCRIPTS_DIR"]) / "rabbitmqctl"
    done = subprocess.run(
        [program, "-n", "lab@localhost", *command], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
