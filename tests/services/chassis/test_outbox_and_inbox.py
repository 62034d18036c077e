"""What waits in the outbox, for how long, and what the inbox remembers."""

import time

import pytest
from sqlalchemy import text

from labs.services.chassis import inbox, logs, outbox


def tell(db, *types: str) -> list[str]:
    with db.transaction() as tx:
        return [tx.tell(event_type, {"n": 1}) for event_type in types]


def test_an_event_keeps_id_type_data_and_the_correlation_id_of_its_cause(db):
    with logs.correlated("c-1"), db.transaction() as tx:
        event_id = tx.tell("happened", {"n": [1, "ü"]})
    with db.reading() as session:
        (row,) = outbox.due(session)
    assert (row.event_id, row.type, row.data, row.correlation_id) == (event_id, "happened", {"n": [1, "ü"]}, "c-1")


def test_the_oldest_come_first_and_no_more_than_asked_for(db):
    told = tell(db, *"abcde")
    with db.reading() as session:
        assert [row.event_id for row in outbox.due(session, limit=3)] == told[:3]
        assert outbox.backlog(session)[0] == 5


def test_what_is_sent_is_not_due_any_more(db):
    tell(db, "a", "b")
    with db.transaction() as tx:
        outbox.mark_sent(tx, [row.position for row in outbox.due(tx) if row.type == "a"])
        outbox.mark_sent(tx, [])
    with db.reading() as session:
        assert [row.type for row in outbox.due(session)] == ["b"]
        assert outbox.backlog(session)[0] == 1


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 0.1), (1, 0.2), (3, 0.8), (6, 5.0), (1000, 5.0)])
def test_what_failed_waits_longer_each_time_but_never_more_than_five_seconds(db, attempts, seconds):
    tell(db, "a")
    with db.transaction() as tx:
        (row,) = outbox.due(tx)
        before = time.time()
        outbox.mark_failed(tx, row.position, attempts, "unroutable" * 100)
        due_at, count, error = tx.execute(text("SELECT due_at, attempts, error FROM outbox")).one()
        assert outbox.due(tx) == []
    assert before + seconds <= due_at <= time.time() + seconds
    assert (count, len(error)) == (attempts + 1, 300)


def test_one_that_fails_holds_up_nobody(db):
    tell(db, "stuck", "free")
    with db.transaction() as tx:
        outbox.mark_failed(tx, outbox.due(tx)[0].position, 5, "unroutable")
        assert [row.type for row in outbox.due(tx)] == ["free"]


def test_the_inbox_lets_each_consumer_have_an_event_once(db):
    with db.transaction() as tx:
        assert inbox.claim(tx, "service.method", "e-1")
        assert not inbox.claim(tx, "service.method", "e-1")
        assert inbox.claim(tx, "service.other", "e-1")
        assert inbox.claim(tx, "service.method", "e-2")
    with db.transaction() as tx:
        assert not inbox.claim(tx, "service.method", "e-1")


def test_a_claim_is_forgotten_with_the_effect_that_failed(db):
    with pytest.raises(RuntimeError), db.transaction() as tx:
        assert inbox.claim(tx, "service.method", "e-1")
        raise RuntimeError
    with db.transaction() as tx:
        assert inbox.claim(tx, "service.method", "e-1")


def test_a_duplicate_spoils_nothing_else_in_its_transaction(db):
    with db.transaction() as tx:
        inbox.claim(tx, "service.method", "e-1")
        tx.execute(text("INSERT INTO effects (id) VALUES ('kept')"))
        inbox.claim(tx, "service.method", "e-1")
    with db.reading() as session:
        assert session.scalar(text("SELECT id FROM effects")) == "kept"
