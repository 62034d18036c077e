import requests

from labs.services.chassis import logs
from labs.services.order.saga import Later


class Provider:
    def __init__(self, name, base_url, api_key):
        self.url, self.api_key = base_url, api_key

    def ask(self, path, key, body):
        headers = {"Authorization": f"Bearer {self.api_key}", "Idempotency-Key": key}
        body = {**body, "correlation_id": logs.correlation_id()}
        answer = requests.post(self.url + path, json=body, headers=headers, timeout=4)
        return answer.json() if answer.ok else Later(f"it answered {answer.status_code}", maybe_done=True)
