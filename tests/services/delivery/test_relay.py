"""The relay on a real broker: what is committed goes out, whatever happens between the commit and the mark."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import kombu
import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from labs.services.chassis import outbox
from labs.services.chassis.database import Database
from labs.services.chassis.publisher import BrokerAway, Publisher
from labs.services.chassis.relay import Relay
from tests.services.delivery.stand import NOWHERE, SERVICE, asked, eventually


@contextmanager
def listening(bench, event_type: str) -> Iterator[list[str]]:
    """The ids of what the service tells, while somebody is subscribed."""
    ids: list[str] = []
    stopped = threading.Event()
    with kombu.Connection(bench.amqp_url) as connection:
        exchange = kombu.Exchange(f"{SERVICE}.events", "topic", no_declare=True)
        queue = kombu.Queue(f"listener-{event_type}", exchange, event_type, durable=True)

        def keep(_body: object, message: kombu.Message) -> None:
            ids.append(message.properties["message_id"])

        def listen() -> None:
            with connection.Consumer(queue, callbacks=[keep], no_ack=True):
                subscribed.set()
                while not stopped.is_set():
                    try:
                        connection.drain_events(timeout=0.1)
                    except TimeoutError:
                        continue

        subscribed = threading.Event()
        thread = threading.Thread(target=listen)
        thread.start()
        assert subscribed.wait(5)
        try:
            yield ids
        finally:
            stopped.set()
            thread.join()


@pytest.fixture
def relay(bench) -> Relay:
    return Relay(SERVICE, bench.db, bench.publisher, 0.05)


@contextmanager
def running(relay: Relay) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        yield thread
    finally:
        relay.stop()
        thread.join(10)
    assert not thread.is_alive()


def tell(db: Database, *types: str) -> list[str]:
    with db.transaction() as tx:
        return [tx.tell(event_type, {"n": 1}) for event_type in types]


def test_what_is_committed_goes_out_in_order_and_is_marked(bench, relay):
    with listening(bench, "seen") as ids:
        told = tell(bench.db, *["seen"] * 250)
        assert [relay.step(), relay.step(), relay.step(), relay.step()] == [100, 100, 50, 0]
        eventually(lambda: len(ids) == 250, "all arrive")
    assert ids == told
    assert bench.waiting() == 0


def test_what_is_rolled_back_is_never_told(bench, relay):
    with pytest.raises(RuntimeError), bench.db.transaction() as tx:
        tx.tell("seen", {})
        raise RuntimeError
    assert relay.step() == 0
    assert bench.execute("SELECT * FROM outbox") == []


def test_what_nobody_listens_to_stays_while_others_pass_and_goes_out_soon_after_somebody_subscribes(bench, relay):
    with listening(bench, "seen") as ids, running(relay):
        unseen, seen = tell(bench.db, "unseen", "seen")
        eventually(lambda: ids == [seen], "the others pass")
        stays = "SELECT event_id FROM outbox WHERE error = 'unroutable' AND sent_at IS NULL AND attempts > 2"
        eventually(lambda: bench.execute(stays) == [(unseen,)], "it is tried again and again")
        with listening(bench, "unseen") as late:
            eventually(lambda: late == [unseen], "it goes out", 6)
        eventually(lambda: bench.waiting() == 0, "it is marked")


def test_what_nobody_needs_to_hear_is_over_when_nobody_listens_and_reaches_whoever_does(bench, relay):
    def mention() -> str:
        with bench.db.transaction() as tx:
            return tx.tell("seen", {"n": 1}, needed=False)

    mention()
    assert relay.step() == 1
    assert bench.waiting() == 0
    with listening(bench, "seen") as ids:
        heard = mention()
        assert relay.step() == 1
        eventually(lambda: ids == [heard], "it arrives")


def test_while_the_broker_is_away_nothing_is_marked_and_nothing_lost(bench):
    nobody = Publisher(NOWHERE, 1)
    (told,) = tell(bench.db, "seen")
    with pytest.raises(BrokerAway):
        Relay(SERVICE, bench.db, nobody, 0.05).step()
    assert bench.execute("SELECT sent_at, attempts FROM outbox") == [(None, 0)]
    with listening(bench, "seen") as ids:
        assert Relay(SERVICE, bench.db, bench.publisher, 0.05).step() == 1
        eventually(lambda: ids == [told], "it arrives")


class Forgetful(Database):
    """A database that fails between the broker's confirm and our mark, so often."""

    fails = 1

    @contextmanager
    def transaction(self):
        if self.fails:
            self.fails -= 1
            raise OperationalError("UPDATE outbox …", {}, Exception("disk I/O error"))
        with super().transaction() as tx:
            yield tx


def test_what_is_confirmed_and_not_marked_is_sent_again_and_the_relay_lives_on(bench):
    (told,) = tell(bench.db, "seen")
    forgetful = Forgetful(bench.url)
    with listening(bench, "seen") as ids, running(Relay(SERVICE, forgetful, bench.publisher, 0.05)):
        eventually(lambda: ids == [told, told], "it arrives twice, under one id")
        eventually(lambda: bench.waiting() == 0, "it is marked in the end")
    forgetful.engine.dispose()


def test_a_worker_killed_between_confirm_and_mark_sends_again_and_the_effect_is_once(bench):
    bench.start()
    event = asked(tell="seen")
    with listening(bench, "seen") as ids:
        bench.ask(event)
        eventually(lambda: len(ids) == 1, "it went out")
        eventually(lambda: bench.waiting() == 0, "it is marked")
        holder = Database(bench.url)
        with holder.transaction() as tx:
            told = tx.tell("seen", {})
            tx.execute(update(outbox.outbox).where(outbox.outbox.c.event_id == told).values(due_at=time.time() + 0.5))
        with holder.transaction() as tx:
            tx.execute(text("SELECT 1"))  # nobody else can write now: the mark has to wait
            eventually(lambda: told in ids, "it is confirmed, not marked")
            assert bench.end(9) == -9
        assert bench.waiting() == 1
        bench.start()
        eventually(lambda: ids.count(told) == 2, "it went out again")
        eventually(lambda: bench.waiting() == 0, "and is marked now")
    assert bench.effects(event) == 1
    holder.engine.dispose()


def test_a_worker_that_is_killed_before_it_answers_gets_the_event_again(bench):
    bench.start()
    event = asked(die=1, tell="seen")
    with listening(bench, "seen") as ids:
        bench.ask(event)
        assert bench.ended() == -9
        assert bench.effects(event) == 0
        bench.start()
        eventually(lambda: len(ids) == 1, "its answer goes out")
    assert bench.effects(event) == 1
    assert len(bench.starts(event)) == 2
