"""What is scraped is what docker-compose.yml says, and of a shared broker the system's own queues only."""

import json

import pytest
import requests
import yaml

from labs.infra import compose
from labs.infra.home import PROJECT
from labs.infra.prometheus import targets
from labs.infra.system import COMPOSE_FILE, System
from labs.infra.variables import Variables
from tests.infra.nodes import eventually

SERVICES = compose.read(COMPOSE_FILE, Variables())


def test_the_kept_files_are_in_step_with_docker_compose_yml():
    folder = targets.CONFIG / "targets"
    assert {path.name: path.read_text() for path in folder.glob("*.json")} == targets.kept(), (
        "run: python -m labs.infra.prometheus.targets"
    )


def test_every_process_that_answers_is_scraped_and_no_task_is():
    found = {each["labels"]["instance"]: each for each in json.loads(targets.kept()["services.json"])}
    raw = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
    ours = {name for name, service in raw.items() if service.get("image") == "microservices-lab/services"}
    assert set(found) == {name for name in ours if raw[name].get("healthcheck")}
    assert {"order-api", "order-worker", "outside", "monolith"} <= set(found)
    assert not [name for name in found if name.endswith(("-migrate", "-setup"))]
    assert found["order-worker"] == {
        "targets": ["order-worker:8000"],
        "labels": {"job": "order-service", "instance": "order-worker"},
    }


def test_a_learners_service_is_scraped_too():
    more = {**SERVICES, **compose.read_consumer(COMPOSE_FILE, "analytics", Variables())}
    found = json.loads(targets.targets(more, "shop")["services.json"])
    assert {"job": "analytics-service", "instance": "analytics-worker"} in [each["labels"] for each in found]


def test_prometheus_reads_every_file_that_is_written():
    config = yaml.safe_load((PROJECT / "labs/infra/prometheus/config/prometheus.yml").read_text())
    read = {path for job in config["scrape_configs"] for sd in job["file_sd_configs"] for path in sd["files"]}
    assert read == {f"{targets.FOLDER}/{name}" for name in targets.kept()}


def test_all_that_runs_is_up_under_its_own_name(watched, monitor):
    running = {name for name, service in watched.services.items() if watched.state(name) == "running"}
    wanted = (running - {"prometheus", "alertmanager", "rabbitmq"}) | {"gateway", "rabbitmq"}
    eventually(lambda: set(monitor.table("up == 1")["instance"]) == wanted, 20, "all of them are scraped")
    assert monitor.value('count(up{instance="monolith"} == 0)') == 1, "what does not run is seen not to"
    assert set(monitor.table('up{job="order-service"}')["instance"]) == {"order-api", "order-worker"}


def test_a_system_sees_its_own_queues_on_a_broker_that_others_use_too(watched, monitor):
    assert watched.broker is not None
    other = System("neighbour")
    try:
        other.up("inventory-service")
        assert other.broker == watched.broker, "it is shared"
        eventually(
            lambda: bool(monitor.value("count(rabbitmq_detailed_queue_messages_ready)") > 10), 20, "queues are seen"
        )
        assert set(monitor.table("rabbitmq_detailed_queue_messages_ready")["vhost"]) == {watched.id}
    finally:
        other.down()


@pytest.mark.parametrize("name", ["envoy_http_downstream_rq_xx", "rabbitmq_detailed_queue_consumers"])
def test_gateway_and_broker_are_asked_for_what_matters(monitor, watched, name):
    requests.get(f"http://{watched.address('gateway')}/products", timeout=10)
    eventually(lambda: monitor.value(f"count({name})") > 0, 20, f"{name} is scraped")
