"""Names and labels of all that a running shop measures: Prometheus' own lint has nothing against them, and their number does
not grow with what customers do."""

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from labs.infra.system import System

SCRAPED = (
    "user-api",
    "user-worker",
    "order-api",
    "order-worker",
    "inventory-api",
    "inventory-worker",
    "notification-api",
    "notification-worker",
    "outside",
)
Series = set[tuple[str, str, tuple[tuple[str, str], ...]]]


def said(system: System, name: str) -> str:
    answer = requests.get(f"http://{system.address(name)}/metrics", timeout=10)
    assert answer.ok, name
    return answer.text


def series(system: System) -> Series:
    found: Series = set()
    for name in SCRAPED:
        for family in text_string_to_metric_families(said(system, name)):
            found |= {(name, each.name, tuple(sorted(each.labels.items()))) for each in family.samples}
    return found


def all_kinds_of_things(shop, which: str) -> list[str]:
    """What customers do, and what strangers try, with names that were never used before; returns these names."""
    email, sku = f"{which}@example.org", f"tea-{which}"
    shop.stock(sku, 10)
    orders = [shop.place((sku, 1), email=email) for _ in range(3)]
    orders += [shop.place((sku, 50), email=email), shop.place((sku, 1), email=email, card="card-declined")]
    shop.cancel(orders[0], email)
    for service in ("order-service", "user-service", "inventory-service", "notification-service"):
        shop.get(service, f"/nowhere/{which}")
        shop.get(service, f"/orders/{which}", email)
        shop.get(service, f"/products/{which}")
        shop.send("BREW", service, f"/{which}")
    shop.get("order-service", "/orders", email, params={"after": which})
    shop.wait(orders, within=60)
    for order in orders:
        shop.wait_for_mails(1, within=30, order_id=order)
    return [which, *orders]


@pytest.mark.parametrize("name", SCRAPED)
def test_promtool_has_nothing_against_any_metric(watched, shop, promtool, name):
    shop.get("order-service", "/nowhere")
    done = promtool("check", "metrics", asked=said(watched, name))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_all_that_serve_are_looked_at(watched):
    serving = {name for name, service in watched.services.items() if "BIND" in service.environment and service.health}
    assert serving - {"monolith"} == set(SCRAPED)


def test_more_customers_orders_and_strangers_make_no_more_series(watched, shop):
    names = all_kinds_of_things(shop, "first")
    before = series(watched)
    for number in range(5):
        names += all_kinds_of_things(shop, f"another-{number}")
    after = series(watched)
    telling = [(name, labels) for _, name, labels in after for _, value in labels if any(one in value for one in names)]
    assert telling == []
    new = after - before
    assert len(new) <= len(before) * 0.03, new  # such as an attempt that failed for the first time
    assert 300 < len(after) < 2500
