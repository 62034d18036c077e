"""Forgets what it has sent."""

from uuid import uuid4

from labs.services.points.steps import Steps


def book(steps, order_id, points):
    with steps.transaction() as tx:
        tx.execute("INSERT INTO points VALUES (?, ?)", (order_id, points))
        tx.execute("INSERT INTO outbox VALUES (?, ?, ?, 0)", (uuid4().hex, order_id, points))


def relay(steps):
    for row in steps.db.execute("SELECT event_id, order_id, points FROM outbox").fetchall():
        steps.tell(*row)


def main(settings, ready):
    steps = Steps(settings)
    relay(steps)
    for event in steps.events(ready):
        book(steps, event.data["order_id"], event.data["amount"] // 100)
        relay(steps)
