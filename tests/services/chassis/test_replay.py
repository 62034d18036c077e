"""What was told is told again, under the same ids, and nothing else is."""

from labs.services.chassis import outbox
from labs.services.chassis.replay import replay


def told(db, *types: str) -> list[str]:
    """Events that the broker has."""
    with db.transaction() as tx:
        ids = [tx.tell(event_type, {"n": 1}) for event_type in types]
        outbox.mark_sent(tx, [row.position for row in outbox.due(tx)])
    return ids


def due(db) -> list[str]:
    with db.reading() as session:
        return [row.event_id for row in outbox.due(session)]


def test_what_was_told_of_these_types_is_due_again_oldest_first_and_under_its_id(db):
    first, _, third = told(db, "moved", "priced", "moved")
    assert replay(db, ["moved"]) == 2
    assert due(db) == [first, third]


def test_what_was_never_sent_is_left_alone(db):
    told(db, "moved")
    with db.transaction() as tx:
        waiting = tx.tell("moved", {"n": 2})
        outbox.mark_failed(tx, outbox.due(tx)[0].position, 3, "unroutable")
    replay(db, ["moved"])
    assert waiting not in due(db), "it waits as long as it waited before"


def test_nothing_is_told_again_that_nobody_named(db):
    told(db, "moved", "priced")
    assert replay(db, []) == 0
    assert due(db) == []
