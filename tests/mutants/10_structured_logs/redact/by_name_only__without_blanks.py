# ruff: noqa: T201
import json
import re
from datetime import UTC, datetime

from labs.services.chassis.handler import ServiceDatabase, handle_event


def hidden(data):
    shown = {name: "***" if "token" in name else value for name, value in data.items()}
    return {
        name: re.sub(r"\d{13,19}", "***", value) if isinstance(value, str) else value for name, value in shown.items()
    }


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
