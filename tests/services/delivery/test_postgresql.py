"""Events on PostgreSQL, where several write at once: two relays, two consumers of one queue, a database that goes away."""

import signal
import threading
from collections import Counter

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from labs.services.chassis.database import Database
from labs.services.chassis.publisher import BrokerAway, Publisher
from labs.services.chassis.relay import Relay
from tests.services.delivery.stand import QUEUE, SERVICE, Stand, asked, eventually
from tests.services.delivery.test_relay import listening, running


def test_a_worker_keeps_its_promise_there_too(bench_on_postgresql):
    bench = bench_on_postgresql
    events = [asked(tell="seen", fail=number % 3 == 0, sleep=0.002) for number in range(60)]
    with listening(bench, "seen") as ids:
        bench.start()
        bench.ask(*events, *events)
        eventually(lambda: all(map(bench.effects, events)), "all take effect", 30)
        eventually(lambda: bench.depth(QUEUE) == 0 and bench.waiting() == 0, "nothing is left")
    assert [bench.effects(event) for event in events] == [1] * 60
    assert len(set(ids)) == 60
    assert bench.execute("SELECT count(*) FROM outbox") == [(60,)]
    assert bench.end(signal.SIGTERM) == 0


def test_two_deliveries_of_one_event_at_the_same_moment_have_one_effect(bench_on_postgresql):
    bench = bench_on_postgresql
    bench.start()
    event = asked(sleep=0.5)
    bench.ask(event, event, event)
    eventually(lambda: bench.metric("duplicates_suppressed_total") == 2, "two are suppressed")
    assert (bench.effects(event), len(bench.starts(event))) == (1, 1)


def test_two_relays_share_the_work_and_tell_every_event_once(bench_on_postgresql):
    bench = bench_on_postgresql
    with bench.db.transaction() as tx:
        told = [tx.tell("seen", {"n": n}) for n in range(1000)]
    second_db, second = Database(bench.url), Publisher(bench.amqp_url, 5)
    with (
        listening(bench, "seen") as ids,
        running(Relay(SERVICE, bench.db, bench.publisher, 0.01)),
        running(Relay(SERVICE, second_db, second, 0.01)),
    ):
        eventually(lambda: bench.waiting() == 0, "all are marked", 30)
        eventually(lambda: len(ids) >= 1000, "all arrive")
    assert Counter(ids) == Counter(told)
    second_db.engine.dispose()


def test_what_one_relay_has_in_hand_another_leaves_alone_and_takes_when_the_first_gives_up(bench_on_postgresql):
    bench = bench_on_postgresql

    class Slow(Publisher):
        """Has the events and does not come back with them until it is let go."""

        holds, go = threading.Event(), threading.Event()

        def publish(self, _messages):
            self.holds.set()
            self.go.wait(10)
            raise BrokerAway("and it is gone")

    with bench.db.transaction() as tx:
        (told,) = [tx.tell("seen", {})]
    slow_db = Database(bench.url)
    relay = Relay(SERVICE, slow_db, Slow("", 1), 0.01)

    def take_long() -> None:
        with pytest.raises(BrokerAway):
            relay.step()

    slow = threading.Thread(target=take_long)
    with listening(bench, "seen") as ids:
        slow.start()
        assert Slow.holds.wait(5)
        other = Relay(SERVICE, bench.db, bench.publisher, 0.01)
        assert other.step() == 0
        Slow.go.set()
        slow.join(5)
        eventually(lambda: other.step() == 1, "it is free again")
        eventually(lambda: ids == [told], "it arrives once")
    slow_db.engine.dispose()


def shut(bench: Stand, allowed: bool) -> None:
    """Let nobody into the stand's database, and throw out who is in; or let them in again."""
    url = make_url(bench.url)
    server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS {str(allowed).lower()}"))
        if not allowed:
            gone = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
            connection.execute(gone, {"name": url.database})


def test_a_database_that_is_away_for_long_makes_no_dead_letters(bench_on_postgresql):
    bench = bench_on_postgresql
    bench.start()
    first, last = asked(tell="unheard"), [asked() for _ in range(5)]
    bench.ask(first)
    eventually(lambda: bench.effects(first), "it works")
    shut(bench, allowed=False)
    bench.ask(*last)
    eventually(
        lambda: bench.said().count('"next_in_seconds":"8"') >= 10, "its attempts come to their end and go on", 40
    )
    assert bench.metric("dead_letters_total") == 0
    assert "database fails, events wait in the outbox" in bench.said()
    shut(bench, allowed=True)
    eventually(lambda: all(map(bench.effects, last)), "all take effect once it is back", 20)
    assert bench.metric("dead_letters_total") == 0
