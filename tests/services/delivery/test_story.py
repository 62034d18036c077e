"""One story through outbox, broker and consumers, however late: the same trace, the same correlation id, also over RPC."""

import json
import signal
import time
from collections.abc import Iterator

import pytest

from labs.services.chassis import logs, traces
from labs.services.chassis.events import Event
from tests.services.collector import Collector, collecting
from tests.services.delivery.stand import QUEUE, SERVICE, SOURCE, Stand, asked, eventually
from tests.services.delivery.test_relay import listening

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
SERVER, PRODUCER, CONSUMER = 2, 4, 5


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as listening:
        yield listening


def wait(collector: Collector, name: str, count: int = 1) -> list:
    """So many spans of this name, as soon as they are there."""
    return eventually(lambda: len(found := collector.of(name)) >= count and found, f"{count} spans {name!r}")


def test_a_handler_goes_on_with_the_events_trace_and_what_it_tells_belongs_to_it(bench, collector):
    bench.start(OTLP_ENDPOINT=collector.url)
    event = Event(SOURCE, "asked", {"tell": "seen"}, correlation_id="c-1", traceparent=SAMPLED)
    with listening(bench, "seen") as ids:
        bench.ask(event)
        eventually(lambda: ids, "what it tells arrives")
    (process,) = wait(collector, "process asked")
    assert (process.service, process.kind, process.trace, process.parent) == (SERVICE, CONSUMER, TRACE, PARENT)
    assert (
        process.attributes
        | {
            "messaging.system": "rabbitmq",
            "messaging.operation.type": "process",
            "messaging.destination.name": QUEUE,
            "messaging.message.id": event.id,
            "messaging.message.conversation_id": "c-1",
            "cloudevents.event_type": "asked",
        }
        == process.attributes
    )
    (transaction,) = wait(collector, "INSERT inbox, INSERT effects, INSERT outbox")
    assert transaction.parent == process.id
    (send,) = wait(collector, "send seen")
    assert (send.kind, send.trace, send.parent) == (PRODUCER, TRACE, process.id)
    assert send.attributes["messaging.destination.name"] == f"{SERVICE}.events"
    lines = [json.loads(line) for line in bench.said().splitlines() if event.id in line]
    told = "told seen"  # says because of which event
    spans = {(line["message"] == told, line["trace"]["id"], line["span"]["id"]) for line in lines}
    assert spans == {(False, TRACE, process.id), (True, TRACE, send.id)}


def test_what_waited_in_the_outbox_for_its_relay_is_still_part_of_its_story(bench, collector):
    with listening(bench, "seen") as ids:
        with logs.correlated("c-2"), bench.db.transaction() as tx:
            told = tx.tell("seen", {})
        bench.execute("UPDATE outbox SET traceparent = ?", SAMPLED)
        bench.start(OTLP_ENDPOINT=collector.url)
        eventually(lambda: ids == [told], "it goes out")
    (send,) = wait(collector, "send seen")
    assert (send.trace, send.parent) == (TRACE, PARENT)
    assert send.attributes["messaging.message.conversation_id"] == "c-2"


def test_the_message_names_the_span_that_sent_it_and_the_event_the_one_in_which_it_happened(bench, collector):
    bench.start(OTLP_ENDPOINT=collector.url)
    event = asked(fail=9)
    bench.send(event, traceparent=SAMPLED, **{"x-attempt": 4, "cloudEvents:traceparent": f"00-{TRACE}-{'1' * 16}-01"})
    dead = bench.next_dead_letter()
    assert dead.headers["traceparent"] == SAMPLED
    assert dead.headers["cloudEvents:traceparent"] == f"00-{TRACE}-{'1' * 16}-01"
    (process,) = wait(collector, "process asked")
    assert process.parent == PARENT, "the sender is nearer than the origin"


def test_each_attempt_is_a_span_of_its_own_and_says_whether_it_failed(bench, collector):
    bench.start(OTLP_ENDPOINT=collector.url)
    event = Event(SOURCE, "asked", {"fail": 1}, traceparent=SAMPLED)
    bench.ask(event)
    eventually(lambda: bench.effects(event) == 1, "the second attempt succeeds")
    first, second = wait(collector, "process asked", 2)
    assert [(span.trace, span.parent, span.failed) for span in (first, second)] == [
        (TRACE, PARENT, True),
        (TRACE, PARENT, False),
    ]


@pytest.mark.filterwarnings("ignore:[\\s\\S]*Eventlet is deprecated")
def test_a_remote_procedure_call_is_in_its_callers_story(bench, collector):
    from nameko.standalone.rpc import ClusterRpcProxy

    bench.start(OTLP_ENDPOINT=collector.url)
    story = {"correlation_id": "c-3", "traceparent": SAMPLED}
    with ClusterRpcProxy({"AMQP_URI": bench.amqp_url}, timeout=5, context_data=story) as services:
        correlation_id, traceparent = services[SERVICE].story()
    (call,) = wait(collector, f"{SERVICE}/story")
    assert (call.kind, call.trace, call.parent) == (SERVER, TRACE, PARENT)
    assert (correlation_id, traceparent) == ("c-3", f"00-{TRACE}-{call.id}-01")


ASKS_ITSELF = """
from nameko.rpc import RpcProxy
from labs.services.chassis import logs, traces
from labs.services.chassis.rpc import rpc


class Curious:
    name = "probe-service"
    itself = RpcProxy("probe-service")

    @rpc
    def outer(self):
        return self.itself.inner()

    @rpc
    def inner(self):
        return logs.correlation_id()
"""


@pytest.mark.filterwarnings("ignore:[\\s\\S]*Eventlet is deprecated")
def test_a_call_that_a_call_makes_is_part_of_it(bench, collector):
    from nameko.standalone.rpc import ClusterRpcProxy

    bench.module.write_text(ASKS_ITSELF)
    bench.start(OTLP_ENDPOINT=collector.url)
    story = {"correlation_id": "c-4", "traceparent": SAMPLED}
    with ClusterRpcProxy({"AMQP_URI": bench.amqp_url}, timeout=5, context_data=story) as services:
        assert services[SERVICE].outer() == "c-4"
    (outer,), (inner,) = wait(collector, f"{SERVICE}/outer"), wait(collector, f"{SERVICE}/inner")
    assert (inner.trace, inner.parent) == (outer.trace, outer.id) == (TRACE, outer.id)


@pytest.mark.filterwarnings("ignore:[\\s\\S]*Eventlet is deprecated")
def test_a_call_without_a_story_begins_one(working):
    from nameko.standalone.rpc import ClusterRpcProxy

    with ClusterRpcProxy({"AMQP_URI": working.amqp_url}, timeout=5) as services:
        (first, _), (second, traceparent) = services[SERVICE].story(), services[SERVICE].story()
    assert len(first) == len(second) == 32 and first != second
    assert traceparent.startswith("00-") and traces.above(traceparent)


@pytest.mark.parametrize("broken", ["frozen", "gone"])
def test_a_broken_collector_costs_no_event_and_does_not_keep_a_worker_that_ends(bench: Stand, broken):
    with collecting(frozen=True) as frozen:
        bench.start(OTLP_ENDPOINT=frozen.url if broken == "frozen" else "http://127.0.0.1:1")
        events = [asked(tell="unheard") for _ in range(50)]
        began = time.monotonic()
        bench.ask(*events)
        eventually(lambda: all(map(bench.effects, events)), "all take effect")
        assert time.monotonic() - began < 10
        if broken == "frozen":
            assert frozen.asked.wait(5), "it was not even asked"
        began = time.monotonic()
        assert bench.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 5
    assert [bench.effects(event) for event in events] == [1] * 50


def test_what_a_worker_recorded_is_handed_over_when_it_ends(bench, collector):
    bench.start(OTLP_ENDPOINT=collector.url)
    event = asked()
    bench.ask(event)
    eventually(lambda: bench.effects(event), "it takes effect")
    assert bench.end(signal.SIGTERM) == 0
    assert len(collector.of("process asked")) == 1
