# ruff: noqa: T201
from datetime import UTC, datetime

from labs.services.chassis.handler import ServiceDatabase, handle_event


def line(message, event, **details):
    return f"{datetime.now(UTC).isoformat()} info {message} {event.correlation_id} {details}"


class LoyaltyWorker:
    name = "loyalty-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_paid")
    def give(self, event, tx):
        points = event.data["amount"] // 100
        print(line("points given", event, order_id=event.data["order_id"], points=points))
