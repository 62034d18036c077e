"""Dead letters on a real broker: seen with their reason, brought back without loss, and nobody else's business."""

import json
import os
import signal
import subprocess
import sys
import time

import kombu
import pytest

from labs.services.chassis import topology
from labs.services.chassis.dead_letters import CannotLook, letters, replay
from tests.services.delivery.stand import NOWHERE, QUEUE, SERVICE, SOURCE, Stand, asked, eventually

LAST = {"x-attempt": len(topology.RETRY_SECONDS) + 1}
"""On its last attempt."""


def run(stand: Stand, *arguments: str, user: str = "probe", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, as a service's user would give it."""
    settings = {"SERVICE": SERVICE, "AMQP_URL": stand.url_of(user), "PATH": os.environ["PATH"], **environment}
    command = [sys.executable, "-m", "labs.services.chassis.dead_letters", *arguments]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=30)


def test_five_of_a_hundred_are_poisonous_and_a_replay_after_the_mend_makes_a_hundred(bench):
    bench.start()
    events = [asked(fail=4 if number % 20 == 7 else 0) for number in range(100)]
    bench.ask(*events)
    poisonous = [event for event in events if event.data["fail"]]
    found = bench.dead_letters(5, 30)
    assert sorted(letter.id for letter in found) == sorted(event.id for event in poisonous)
    eventually(lambda: sum(map(bench.effects, events)) == 95, "the others are done")
    replayed = replay(bench.amqp_url, SERVICE)  # what was wrong is gone by the fifth attempt
    assert len(replayed) == 5
    eventually(lambda: all(bench.effects(event) == 1 for event in events), "all hundred are done, once")
    assert letters(bench.amqp_url, SERVICE) == []


def test_a_letter_says_what_it_is_why_it_failed_where_and_since_when(bench):
    bench.start()
    event, before = asked(fail=9), time.time()
    bench.send(event, **LAST)
    (letter,) = bench.dead_letters()
    assert (letter.id, letter.type, letter.source, letter.queue) == (event.id, "asked", SOURCE, QUEUE)
    assert (letter.reason, letter.attempts) == ("ValueError: attempt 1 fails, as asked", 4)
    assert letter.correlation_id == event.correlation_id
    assert 0 <= letter.age <= time.time() - before


def test_looking_changes_nothing_however_often(bench):
    bench.start()
    first, second = asked(fail=9), asked(fail=9)
    bench.send(first, **LAST)
    bench.dead_letters()
    bench.send(second, **LAST)
    bench.dead_letters(2)
    for _ in range(topology.DELIVERY_LIMIT + 5):
        assert [letter.id for letter in bench.dead_letters(2)] == [first.id, second.id]


def test_one_is_replayed_by_its_id_and_the_others_stay(bench):
    bench.start()
    events = [asked(fail=1) for _ in range(3)]
    for event in events:
        bench.send(event, **LAST)
    bench.dead_letters(3)
    (replayed,) = replay(bench.amqp_url, SERVICE, {events[1].id, "an id that nobody has"})
    assert replayed.id == events[1].id
    eventually(lambda: bench.effects(events[1]) == 1, "it takes effect")
    assert {letter.id for letter in bench.dead_letters(2)} == {events[0].id, events[2].id}


def test_who_comes_back_has_all_its_attempts_again_and_one_that_dies_again_is_not_replayed_for_ever(bench):
    bench.start()
    event = asked(fail=2)
    bench.send(event, **LAST)
    bench.dead_letters()
    assert len(replay(bench.amqp_url, SERVICE)) == 1
    eventually(lambda: bench.effects(event) == 1, "the second attempt after the replay succeeds")
    bench.send_raw(b"garbage")
    (garbage,) = bench.dead_letters()
    assert garbage.type == "" and "Expecting value" in garbage.reason
    assert [letter.id for letter in replay(bench.amqp_url, SERVICE)] == [garbage.id]
    (again,) = bench.dead_letters()
    assert again.id == garbage.id and again.reason == garbage.reason


def test_a_replay_killed_before_the_confirm_loses_nothing_and_doubles_nothing(bench):
    bench.start()
    events = [asked(fail=1) for _ in range(4)]
    for event in events:
        bench.send(event, **LAST)
    bench.dead_letters(4)
    assert run(bench, "replay", CRASH="before_confirm@2").returncode == -signal.SIGKILL
    assert len(bench.dead_letters(3)) == 3, "one is done; of the second nobody knows"
    assert run(bench, "replay").returncode == 0
    eventually(lambda: all(bench.effects(event) == 1 for event in events), "all take effect")
    assert letters(bench.amqp_url, SERVICE) == []
    assert [bench.effects(event) for event in events] == [1] * 4


def test_one_whose_queue_is_gone_stays_and_it_is_said(bench):
    bench.start()
    event = asked(fail=1)
    bench.send(event, **LAST)
    bench.dead_letters()
    assert bench.end() == 0
    with kombu.Connection(bench.amqp_url) as connection:
        connection.channel().queue_delete(QUEUE)
    with pytest.raises(CannotLook, match=f"{event.id} cannot go back to {QUEUE}: unroutable"):
        replay(bench.amqp_url, SERVICE)
    assert [letter.id for letter in bench.dead_letters()] == [event.id]


def test_what_kills_its_consumer_is_given_up_by_the_broker_and_told_apart(bench):
    bench.start()
    assert bench.end() == 0  # its queues are there, nobody listens
    event = asked(fail=1)
    bench.ask(event)

    def given_up() -> bool:
        with kombu.Connection(bench.amqp_url) as connection:  # dies without a word each time
            return kombu.Queue(QUEUE, channel=connection.channel()).get() is None and bool(bench.depth(dead))

    dead = topology.dead(SERVICE)
    eventually(given_up, "the broker gives it up", 30)
    (letter,) = bench.dead_letters()
    assert (letter.id, letter.queue) == (event.id, QUEUE)
    assert letter.reason == f"delivered {topology.DELIVERY_LIMIT + 1} times and never answered"
    bench.start()
    replay(bench.amqp_url, SERVICE)
    eventually(lambda: bench.effects(event) == 1, "the second attempt after the replay succeeds")


def test_a_service_reads_its_own_dead_letters_and_nobody_elses(bench):
    bench.start()
    with pytest.raises(CannotLook, match=r"This user may not read probe-service\.dead"):
        letters(bench.url_of("source"), SERVICE)
    said = run(bench, "replay", SERVICE, user="source")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("This user may not read probe-service.dead")


def test_what_cannot_be_looked_at_is_said_in_words(bench):
    with pytest.raises(CannotLook, match="no worker of that service ever ran"):
        letters(bench.amqp_url, "nobody-service")
    with pytest.raises(CannotLook, match="The broker is away"):
        letters(NOWHERE, SERVICE)


def test_the_command_shows_a_table_to_people_and_json_to_programs(bench):
    bench.start()
    event = asked(fail=1)
    bench.send(event, **LAST)
    bench.dead_letters()
    head, line = run(bench, "list").stdout.splitlines()
    assert head.split() == ["ID", "EVENT", "QUEUE", "ATTEMPTS", "AGE", "REASON"]
    assert line.startswith(f"{event.id}  asked  {QUEUE}  4 ") and line.endswith("ValueError: attempt 1 fails, as asked")
    (shown,) = json.loads(run(bench, "list", SERVICE, "--json").stdout)
    assert (shown["id"], shown["queue"], shown["source"]) == (event.id, QUEUE, SOURCE)
    (done,) = json.loads(run(bench, "replay", "--id", event.id, "--json").stdout)
    assert done["id"] == event.id
    eventually(lambda: bench.effects(event) == 1, "it takes effect")
    assert json.loads(run(bench, "list", "--json").stdout) == []


def test_what_is_older_than_an_inbox_remembers_is_replayed_by_its_id_only(bench):
    bench.start()
    old, young = asked(fail=1), asked(fail=1)
    for event in (old, young):
        bench.send(event, **LAST)
    bench.dead_letters(2)
    assert run(bench, "replay", "--id", old.id).returncode == 0
    eventually(lambda: bench.effects(old) == 1, "it takes effect")
    bench.send(other := asked(fail=1), **LAST)
    bench.dead_letters(2)
    said = run(bench, "replay", KEEP_RECEIVED="1e-6")
    assert said.returncode == 0
    assert said.stderr.startswith("2 have been dead for longer than an inbox remembers")
    assert {letter.id for letter in bench.dead_letters(2)} == {young.id, other.id}


def test_the_command_needs_no_nameko_and_no_eventlet():
    program = (
        "import sys; import labs.services.chassis.dead_letters; assert not {'nameko', 'eventlet'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
