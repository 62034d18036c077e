"""Whoever listens in hears everything, and is nobody: the broker goes on saying that no one listens."""

from collections.abc import Iterator

import pytest

from labs.classroom.tapping import tap
from labs.infra.system import System
from labs.services.chassis.events import Event
from labs.services.chassis.publisher import Outgoing, Publisher
from tests.ground import Ground
from tests.infra.nodes import eventually


@pytest.fixture(scope="module")
def system(ground: Ground) -> Iterator[System]:  # noqa: ARG001  its broker is shared
    made = System("tapping")
    try:
        made.up("broker-setup")
        yield made
    finally:
        made.down()


@pytest.fixture
def publisher(system: System) -> Iterator[Publisher]:
    made = Publisher(system.amqp_url(), 5.0)
    yield made
    made.close()


def placed(order: str) -> Event:
    return Event("order-service", "order_placed", {"order_id": order})


def test_an_event_that_only_a_tap_hears_is_heard_by_nobody(system, publisher):
    event = placed("tea")
    with tap(system) as seen:
        assert publisher.publish([Outgoing.told(event)]) == ["unroutable"]
        eventually(lambda: seen.events == [event], 5, "the tap has it, as it was told")


def test_an_event_that_is_told_until_somebody_listens_is_here_once(system, publisher):
    first, last = placed("tea"), placed("cup")
    with tap(system) as seen:
        for event in (first, first, first, last):
            publisher.publish([Outgoing.told(event)])
        eventually(lambda: last in seen.events, 5, "it has heard all of them")
        assert seen.events == [first, last]
        assert seen.of("cup") == [last]


def test_what_is_told_before_and_after_is_not_heard(system, publisher):
    before, meanwhile, after = placed("before"), placed("meanwhile"), placed("after")
    publisher.publish([Outgoing.told(before)])
    with tap(system) as seen:
        publisher.publish([Outgoing.told(meanwhile)])
        eventually(lambda: meanwhile in seen.events, 5, "it has heard it")
    publisher.publish([Outgoing.told(after)])
    assert seen.events == [meanwhile]
