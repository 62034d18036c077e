"""Writes down what is to be told, and tells nobody."""

from uuid import uuid4

from labs.services.points.steps import Steps


def book(steps, order_id, points):
    with steps.transaction() as tx:
        tx.execute("INSERT INTO points VALUES (?, ?)", (order_id, points))
        tx.execute("INSERT INTO outbox VALUES (?, ?, ?, 0)", (uuid4().hex, order_id, points))


def relay(steps):
    with steps.transaction() as tx:
        tx.execute("UPDATE outbox SET sent = 1 WHERE sent = 0")


def main(settings, ready):
    steps = Steps(settings)
    relay(steps)
    for event in steps.events(ready):
        book(steps, event.data["order_id"], event.data["amount"] // 100)
        relay(steps)
