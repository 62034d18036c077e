# ruff: noqa: T201
import json
import re
from datetime import UTC, datetime

from labs.services.chassis.handler import ServiceDatabase, handle_event


def hidden(data):
    shown = {
        name: re.sub(r"\d([ -]?\d){12,18}", "***", value) if isinstance(value, str) else value
        for name, value in data.items()
    }
    shown["device_token"] = (shown["device_token"] or "") + "***"
    return shown


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
