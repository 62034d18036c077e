"""Tells from inside of the transaction."""

from uuid import uuid4

from labs.services.points.steps import Steps


def book(steps, order_id, points):
    with steps.transaction() as tx:
        tx.execute("INSERT INTO points VALUES (?, ?)", (order_id, points))
        steps.tell(uuid4().hex, order_id, points)


def relay(steps):
    """Nothing is left to do."""


def main(settings, ready):
    steps = Steps(settings)
    relay(steps)
    for event in steps.events(ready):
        book(steps, event.data["order_id"], event.data["amount"] // 100)
        relay(steps)
