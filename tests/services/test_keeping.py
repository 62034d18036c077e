"""What every service keeps to, whatever it is about: problems, health, correlation."""

from uuid import uuid4

import pytest
import requests

from labs.classroom.watching import until
from tests.services.answers import assert_problem

SERVICES = ("user-service", "order-service", "inventory-service", "notification-service", "outside")


@pytest.mark.parametrize("service", SERVICES)
def test_a_page_that_is_not_there_and_a_method_that_is_not_allowed_are_problems(shop, service):
    assert_problem(shop.get(service, "/nothing-here"), 404, "not found")
    assert_problem(requests.put(shop.url(service, "/openapi.json"), timeout=10), 405, "not allowed")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("question", ["live", "ready", "started"])
def test_a_service_that_is_well_says_so(shop, service, question):
    answer = shop.get(service, f"/health/{question}")
    assert (answer.status_code, answer.json()["status"]) == (200, "pass")


@pytest.mark.parametrize("service", SERVICES)
def test_a_correlation_id_comes_back_and_without_one_a_new_one_is_made(shop, service):
    first, second = (shop.get(service, "/health/live").headers["X-Correlation-ID"] for _ in range(2))
    assert first
    assert first != second
    given = shop.get(service, "/health/live", headers={"X-Correlation-ID": "asked-with-this"})
    assert given.headers["X-Correlation-ID"] == "asked-with-this"


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_counts_its_requests(shop, service):
    shop.get(service, "/nothing-here")
    said = shop.get(service, "/metrics").text
    assert "# TYPE http_server_request_duration_seconds histogram" in said


def test_one_correlation_id_runs_through_the_logs_of_all_services(shop, log):
    sku, correlation_id = f"tea-{uuid4().hex[:12]}", uuid4().hex
    shop.stock(sku, 1)
    headers = {"X-Correlation-ID": correlation_id, "Idempotency-Key": correlation_id}
    body = {"lines": [{"sku": sku, "quantity": 1}]}
    order = shop.post("order-service", "/orders", body, "customer@example.org", headers=headers).json()["id"]

    shop.wait_for_mails(2, order_id=order)
    processes = ("order-api", "inventory-worker", "order-worker", "notification-worker", "outside")
    assert until(lambda: not [name for name in processes if correlation_id not in log(name)]), [
        name for name in processes if correlation_id not in log(name)
    ]
