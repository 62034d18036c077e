import json
from datetime import UTC, datetime

from labs.services.chassis.handler import ServiceDatabase, handle_event


def line(message, event, **details):
    fields = {
        "@timestamp": datetime.now(UTC).isoformat(),
        "log.level": "info",
        "message": message,
        "service": {"name": "loyalty-service"},
        "labels": {"correlation_id": event.correlation_id, **details},
    }
    return json.dumps(fields)


class LoyaltyWorker:
    name = "loyalty-service"
    db = ServiceDatabase()

    @handle_event("order-service", "order_paid")
    def give(self, event, tx):
        points = event.data["amount"] // 100
        line("points given", event, order_id=event.data["order_id"], points=points)
