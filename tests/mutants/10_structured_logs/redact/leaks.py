# ruff: noqa: T201
import json
from datetime import UTC, datetime

from labs.services.chassis.handler import ServiceDatabase, handle_event


def hidden(data):
    return data


class CrmWorker:
    name = "crm-service"
    db = ServiceDatabase()

    @handle_event("user-service", "user_registered")
    def remember(self, event, tx):
        labels = {"correlation_id": event.correlation_id, "data": json.dumps(hidden(event.data))}
        fields = {
            "log.level": "info",
            "message": "customer remembered",
            "service": {"name": self.name},
            "labels": labels,
        }
        print(json.dumps({"@timestamp": datetime.now(UTC).isoformat(), **fields}))
