"""What a lab does with programs of a learner's own: cells become processes that print, raise, die and come back."""

from collections.abc import Iterator

import pytest

from labs.classroom import programs, queues
from labs.classroom.fates import Fate, Fates
from labs.classroom.workshop import Workshop
from labs.infra.logging import files
from labs.infra.system import System
from tests.ground import Ground
from tests.infra.nodes import eventually

TAKES = """
from kombu import Connection, Queue
from labs.services.chassis import crash

def main(settings, ready):
    with Connection(settings.amqp_url) as connection:
        def take(body, message):
            print("took", 12 // body)
            crash.point("before_ack")
            message.ack()
        with connection.Consumer(Queue("tea"), callbacks=[take], prefetch_count=1):
            ready()
            while True:
                connection.drain_events()
"""

BOOKS = """
import sqlite3
from uuid import uuid4
from kombu import Connection, Queue
from labs.classroom.fates import TOLD
from labs.services.chassis import crash

def main(settings, ready):
    database = sqlite3.connect(settings.database_url.removeprefix("sqlite:///"), isolation_level=None)
    database.execute("CREATE TABLE IF NOT EXISTS points (order_id)")
    with Connection(settings.amqp_url) as connection:
        told = connection.Producer(exchange=TOLD, routing_key=settings.service)
        def book(body, message):
            database.execute("INSERT INTO points VALUES (?)", [body["order_id"]])
            told.publish({"order_id": body["order_id"]}, message_id=uuid4().hex)
            crash.point("before_ack")
            message.ack()
        with connection.Consumer(Queue(settings.service), callbacks=[book], prefetch_count=1):
            ready()
            while True:
                connection.drain_events()
"""
"""Books each order that comes and says so; one that comes twice, twice."""


@pytest.fixture(scope="module")
def system(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its broker is shared
    made = System("programs")
    try:
        made.up("broker-setup")
        assert Workshop(made, lambda _: None).replace("takes/main.py", TAKES).status == "running"
        yield made
    finally:
        made.down()


def took(system: System, program: str = "takes") -> list[str]:
    return programs.printed(system, program, "took")


def test_a_cell_called_main_is_a_process_that_works(system: System) -> None:
    queues.put(system, [4], key="tea")
    eventually(lambda: "3" in took(system), 10, "it takes what comes")
    assert queues.consumers(system, "tea") == 1


def test_one_that_is_killed_comes_back_as_another_process(system: System) -> None:
    before = system.pid("takes")
    programs.killed(system, "takes")
    assert system.pid("takes") not in (0, before)
    assert queues.consumers(system, "tea") == 1


def test_one_dies_where_it_is_to_die_and_is_started_as_it_was(system: System) -> None:
    before = len(took(system))
    survivors = programs.dies(system, ["takes"], "before_ack@1", lambda: queues.put(system, [6], key="tea"))
    eventually(lambda: took(system)[before:] == ["2", "2"], 10, "the same once more, since it was not acknowledged")
    assert survivors == []
    assert "CRASH" not in system.services["takes"].environment
    assert system.services["takes"].restart == "unless-stopped"


def test_who_never_comes_to_the_point_is_named(system: System) -> None:
    assert programs.dies(system, ["takes"], "before_publish@1", lambda: None) == ["takes"]
    assert system.state("takes") == "running"


def test_what_ended_it_is_said_in_its_own_words(system: System) -> None:
    since = files.mark(system.log("takes"))
    assert programs.raised(system, "takes", since) == ""
    queues.put(system, [0], key="tea")
    eventually(lambda: programs.raised(system, "takes", since) != "", 10, "it fails")
    assert programs.raised(system, "takes", since) == "ZeroDivisionError: integer division or modulo by zero"
    system.stop("takes")
    queues.make(system, "tea")
    system.start("takes")


def test_a_second_process_of_a_program_shares_its_queue_and_nothing_else(system: System) -> None:
    programs.twin(system, "takes", "other")
    system.up("other-service")
    assert queues.consumers(system, "tea") == 2
    assert system.pid("other") != system.pid("takes")
    system.stop("other-service")
    assert queues.consumers(system, "tea") == 1


def test_a_death_comes_over_its_own_order_whatever_waits_before_it(system: System) -> None:
    assert Workshop(system, lambda _: None).replace("books/main.py", BOOKS).status == "running"
    fates = Fates(system)
    assert fates.calm("books") == Fate(1, 1, 1)
    system.stop("books")
    fates.hand("books", "an order that was left behind")
    assert fates.death(["books"], "before_ack@1") == {"books": Fate(booked=2, told=2, copies=2)}
    system.stop("books")


@pytest.mark.parametrize(
    ("fate", "lost", "doubled", "words"),
    [
        (Fate(1, 1, 1), 0, 0, "0 / 0"),
        (Fate(1, 1, 2), 0, 0, "0 / 0"),
        (Fate(2, 1, 1), 1, 1, "lost 1, doubled 1"),
        (Fate(1, 2, 2), 1, 1, "lost 1, doubled 1"),
        (Fate(2, 2, 2), 0, 1, "doubled 1"),
        (Fate(1, 0, 0), 1, 0, "lost 1"),
        (Fate(0, 1, 1), 1, 0, "lost 1"),
        (Fate(0, 0, 0), 1, 0, "lost 1"),
    ],
)
def test_a_fate_says_what_was_lost_and_what_was_doubled(fate: Fate, lost: int, doubled: int, words: str) -> None:
    assert (fate.lost, fate.doubled, fate.words()) == (lost, doubled, words)
