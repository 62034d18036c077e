"""What a worker tells Prometheus about its events."""

from math import isnan

from labs.services.chassis import dead_letters, topology
from tests.services.delivery.stand import NOWHERE, QUEUE, SERVICE, asked, eventually
from tests.services.delivery.test_relay import listening

LAST = {"x-attempt": len(topology.RETRY_SECONDS) + 1}
HERE = {"messaging_destination_name": QUEUE}


def test_attempts_retries_and_duplicates_are_counted_by_queue(bench):
    bench.start()
    event, failing = asked(), asked(fail=1)
    bench.ask(event, event, event, failing)
    eventually(lambda: bench.effects(failing) == 1, "all is done")
    eventually(lambda: bench.metric("duplicates_suppressed_total", **HERE) == 2, "two were suppressed")
    assert bench.metric("event_retries_total", **HERE) == 1
    attempts = "messaging_process_duration_seconds_count"
    eventually(lambda: bench.metric(attempts, error_type="", **HERE) == 4, "four succeeded")
    assert bench.metric(attempts, error_type="ValueError", **HERE) == 1


def test_dead_letters_are_counted_and_so_is_what_waits_until_it_is_replayed(bench):
    bench.start()
    eventually(lambda: bench.metric("dead_letters_waiting") == 0, "none waits")
    event = asked(fail=1)
    bench.send(event, **LAST)
    bench.send_raw(b"garbage")
    eventually(lambda: bench.metric("dead_letters_waiting") == 2, "two wait")
    assert bench.metric("dead_letters_total", **HERE) == 2
    dead_letters.replay(bench.amqp_url, SERVICE, {event.id})
    eventually(lambda: bench.metric("dead_letters_waiting") == 1, "one is left")


def test_the_outbox_ages_while_nobody_listens_and_is_empty_when_somebody_does(bench):
    bench.start()
    with bench.db.transaction() as tx:
        tx.tell("unheard", {})
    failures = "event_publish_failures_total"
    eventually(lambda: bench.metric(failures, reason="unroutable") >= 2, "it is unroutable, again and again")
    assert bench.metric("outbox_events") == 1
    assert bench.metric("outbox_age_seconds") > 0.1
    with listening(bench, "unheard") as ids:
        eventually(lambda: ids, "it goes out")
        eventually(lambda: bench.metric("outbox_events") == 0, "nothing waits")
    assert bench.metric("events_published_total", cloudevents_event_type="unheard") == 1
    assert bench.metric("outbox_age_seconds") == 0


def test_while_the_broker_is_away_numbers_go_on(bench):
    with bench.db.transaction() as tx:
        tx.tell("seen", {})
    bench.run(AMQP_URL=NOWHERE)
    eventually(lambda: "broker is away, events wait in the outbox" in bench.said(), "it notices", 30)
    eventually(lambda: bench.metric("event_publish_failures_total", reason="broker_away") >= 2, "it tries on")
    assert bench.metric("outbox_events") == 1
    eventually(lambda: isnan(bench.metric("dead_letters_waiting")), "how many dead letters there are nobody knows")
