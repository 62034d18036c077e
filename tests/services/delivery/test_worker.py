"""A worker process: how it starts, what keeps it from starting, and how it ends."""

import re
import signal
import time

import kombu
import pytest
import requests

from labs.services.chassis import topology
from labs.services.chassis.publisher import Outgoing, Publisher
from tests.services.delivery.stand import NOWHERE, QUEUE, SERVICE, Stand, asked, eventually, everything

AT_ONCE = 10
"""As chassis.worker says; to import it would make this process green."""


def test_it_finishes_and_acknowledges_what_is_under_way_before_it_ends(bench):
    bench.start()
    events = [asked(sleep=0.3) for _ in range(3)]
    bench.ask(*events)
    eventually(lambda: bench.starts(events[0]), "the first is under way")
    began = time.monotonic()
    assert bench.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < 5
    done = [event for event in events if bench.effects(event)]
    assert events[0] in done
    assert bench.depth(QUEUE) == len(events) - len(done), "what took effect is acknowledged, the rest waits"
    assert '"worker stopped"' in bench.said()


def test_it_holds_no_more_events_than_it_works_on_and_leaves_the_rest_to_others(bench):
    bench.start()
    bench.ask(asked(sleep=5), *(asked() for _ in range(3 * AT_ONCE - 1)))
    eventually(lambda: bench.depth(QUEUE) == 2 * AT_ONCE, "so many wait with the broker", 4)


def test_it_is_alive_and_not_ready_while_it_finishes(bench):
    bench.start()
    assert ask(bench, "ready")[0] == 200
    event = asked(sleep=3)
    bench.ask(event)
    eventually(lambda: bench.starts(event), "it is under way")
    bench.signal(signal.SIGTERM)
    status, body = eventually(lambda: (said := ask(bench, "ready"))[0] != 200 and said, "it says that it leaves", 2)
    assert (status, body["status"], *body["checks"]) == (503, "fail", "presence")
    assert ask(bench, "live")[0] == 200
    assert bench.effects(event) == 0, "it was not ready before it had finished"
    assert bench.ended() == 0
    assert bench.effects(event) == 1


def test_it_ends_at_once_while_the_broker_is_away_and_events_wait_in_its_outbox(bench):
    with bench.db.transaction() as tx:
        tx.tell("seen", {})
    bench.run(AMQP_URL=NOWHERE)
    eventually(lambda: "broker is away, events wait in the outbox" in bench.said(), "it notices", 30)
    eventually(lambda: "broker is away, consumers wait" in bench.said(), "its consumers notice too")
    began = time.monotonic()
    assert bench.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < 2
    assert bench.waiting() == 1


def test_liveness_asks_nobody_and_readiness_only_the_database(bench):
    bench.run(AMQP_URL=NOWHERE)
    eventually(lambda: "broker is away, consumers wait" in bench.said(), "it notices", 30)
    assert ask(bench, "live") == (200, {"status": "pass"})
    status, body = ask(bench, "ready")
    assert (status, body["status"]) == (200, "warn")
    assert body["checks"]["broker"].startswith("BrokerAway")
    assert ask(bench, "started") == (503, {"status": "fail"})
    assert bench.end(signal.SIGINT) == 0


def ask(bench: Stand, question: str) -> tuple[int, dict[str, object]]:
    answer = requests.get(f"http://{bench.bind}/health/{question}", timeout=5)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = 1", "probe_worker must define one class with a `name`; found: none"),
        (
            "class A:\n    name = 'a'\nclass B:\n    name = 'b'",
            "probe_worker must define one class with a `name`; found: A, B",
        ),
        (
            "from labs.services.chassis.handler import handle_event\n"
            "class A:\n    name = 'probe-service'\n"
            "    @handle_event('source-service', 'asked')\n    def obey(self, event, tx): ...",
            "probe-service cannot run: A handles events: give it `db = ServiceDatabase()`",
        ),
    ],
    ids=["no class", "two classes", "no database"],
)
def test_a_module_that_is_no_service_says_so_and_ends(bench, code, words):
    bench.module.write_text(code)
    bench.run()
    assert bench.ended() == 1
    assert bench.said().splitlines()[-1] == words


def test_a_service_without_handlers_runs_too(bench):
    bench.module.write_text("class Idle:\n    name = 'probe-service'\n")
    bench.start()
    assert ask(bench, "ready") == (200, {"status": "pass", "checks": {}})
    assert bench.metric("dead_letters_waiting") == 0
    assert bench.end(signal.SIGTERM) == 0


def test_a_service_without_handlers_says_so_when_what_it_tells_cannot_leave(bench):
    bench.module.write_text("class Idle:\n    name = 'probe-service'\n")
    with bench.db.transaction() as tx:
        tx.tell("seen", {})
    bench.run(AMQP_URL=NOWHERE)
    eventually(lambda: "broker is away, events wait in the outbox" in bench.said(), "it notices", 30)
    status, body = ask(bench, "ready")
    assert (status, body["status"]) == (200, "warn")
    assert bench.end(signal.SIGTERM) == 0


def test_missing_settings_are_named(bench):
    bench.run(BROKER_TIMEOUT="soon", LOG_LEVEL="LOUD")
    assert bench.ended() == 1
    said = bench.said()
    assert "Settings are wrong; set these environment variables:" in said
    assert re.search("BROKER_TIMEOUT: .*number", said) and re.search("LOG_LEVEL: .*'DEBUG'", said)


def test_queues_that_exist_with_other_arguments_end_it_with_a_clear_word(bench):
    with kombu.Connection(bench.amqp_url) as connection:
        kombu.Queue(topology.dead(SERVICE), durable=True)(connection.channel()).declare()
    bench.run()
    assert bench.ended() == 1
    last = bench.said().splitlines()[-1]
    assert last.startswith("probe-service cannot run: the broker refuses its queues:") and "inequivalent arg" in last


def test_a_broker_that_does_not_let_it_in_ends_it_with_a_clear_word(bench):
    wrong = re.sub(r":[^:@]+@", ":wrong@", bench.amqp_url)
    bench.run(AMQP_URL=wrong)
    assert bench.ended() == 1
    last = bench.said().splitlines()[-1]
    assert last.startswith("probe-service cannot run: the broker does not let it in:") and "ACCESS_REFUSED" in last


def test_no_right_on_its_queues_ends_it_with_a_clear_word(bench):
    bench.run(AMQP_URL=bench.url_of("source"))
    assert bench.ended() == 1
    last = bench.said().splitlines()[-1]
    assert last.startswith("probe-service cannot run: the broker refuses its queues:") and "ACCESS_REFUSED" in last


def test_it_outlives_a_broker_that_freezes(bench, node):
    bench.start(AMQP_URL=everything(node))
    node.beam().send_signal(signal.SIGSTOP)
    try:
        with bench.db.transaction() as tx:
            tx.tell("seen", {})
        eventually(
            lambda: "broker is away, events wait in the outbox" in bench.said(), "it notices within its limit", 4
        )
        assert bench.waiting() == 1
    finally:
        node.beam().send_signal(signal.SIGCONT)
    eventually(lambda: bench.waiting() == 0, "it goes out when the broker is back", 6)
    event = asked()
    Publisher(everything(node), 5).publish([Outgoing.told(event)])
    eventually(lambda: bench.effects(event) == 1, "its handlers listen")
