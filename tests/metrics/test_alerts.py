"""From the fault to the pager and back, on a real shop: delivery rule 12. An hour passes in a minute."""

from collections.abc import Iterator

import pytest
from kombu import Connection, Exchange, Queue

from labs.classroom.slips import Slip
from labs.services.chassis import topology
from labs.services.chassis.database import Database
from labs.services.chassis.events import exchange

HANDLER = "evt-order-service-order_placed--inventory-service.reserve"
UNHEARD = "told_to_nobody"
PATIENCE = 60
"""Seconds; on an idle machine it takes a tenth."""


@pytest.fixture
def broker(watched) -> Iterator[Connection]:
    """As somebody who may do everything."""
    with Connection(watched.amqp_url(), connect_timeout=5) as connection:
        yield connection


def test_a_dead_letter_rings_until_it_is_dealt_with(monitor, broker):
    assert monitor.pages("DeadLetters") == []
    broker.Producer().publish(
        b"no event at all", routing_key=HANDLER, content_type="application/json", content_encoding="utf-8"
    )
    page = monitor.rings("DeadLetters", PATIENCE)
    assert (page["severity"], page["labels"]["job"]) == ("ticket", "inventory-service")
    assert "1 events that inventory-service could not handle" in page["annotations"]["summary"]
    Queue(topology.dead("inventory-service"), channel=broker.channel()).purge()
    assert monitor.is_quiet("DeadLetters", PATIENCE)["ended_at"] > page["began_at"]


def test_an_event_that_nobody_hears_rings_until_somebody_listens(watched, monitor, broker):
    db = Database(watched.database_url("user"))
    with db.transaction() as tx:
        tx.tell(UNHEARD, {})
    page = monitor.rings("OutboxStuck", PATIENCE)
    assert (page["severity"], page["labels"]["job"]) == ("page", "user-service")
    assert monitor.value('max(outbox_age_seconds{job="user-service"})') > 5
    late = Queue(
        "learner.late", Exchange(exchange("user-service"), "topic", passive=True), UNHEARD, channel=broker.channel()
    )
    late.declare()
    try:
        monitor.is_quiet("OutboxStuck", PATIENCE)
        assert monitor.value('max(outbox_age_seconds{job="user-service"})') == 0
    finally:
        late.delete()
        db.engine.dispose()


def test_waiting_for_what_does_not_come_says_what_prometheus_knows(monitor):
    with pytest.raises(
        Slip, match=r"NoOrders did not ring within 0 s. Prometheus says: inactive, its condition does not hold"
    ):
        monitor.rings("NoOrders", within=0)
    with pytest.raises(Slip, match="Prometheus says: it has no rule of this name"):
        monitor.rings("NoSuchAlert", within=0)
    with pytest.raises(Slip, match="NoOrders has never rung after 0 s"):
        monitor.is_quiet("NoOrders", within=0)
