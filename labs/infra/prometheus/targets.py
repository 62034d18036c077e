"""Which processes Prometheus scrapes, found in docker-compose.yml: a new service is scraped without another word about it.

`python -m labs.infra.prometheus.targets` writes the kept files anew; a test says when they are out of step."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labs.infra import compose
from labs.infra.compose import PROBE, Service
from labs.infra.variables import Variables

CONFIG = Path(__file__).parent / "config"
FOLDER = "/etc/prometheus/targets"
"""Where Prometheus looks for them, inside its container."""
BROKER, BROKER_PORT = "rabbitmq", 15692
GATEWAY, GATEWAY_PORT = "gateway", 9901


def targets(services: Mapping[str, Service], vhost: str) -> dict[str, str]:
    """Files for Prometheus' file_sd_configs by name, in the words of docker-compose.yml. The instance is called as the process
    is, wherever it runs. Of the broker's queues only those of `vhost` are of interest: others may use it too."""
    own = [
        _target(name, _port(service), job=service.group) for name, service in services.items() if _is_scraped(service)
    ]
    return {
        "services.json": _text(own),
        "gateway.json": _text([_target(GATEWAY, GATEWAY_PORT, job=GATEWAY)]),
        "broker.json": _text([_target(BROKER, BROKER_PORT, job=BROKER, __param_vhost=vhost)]),
    }


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Each whole or not at all: Prometheus watches them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        half = folder / f".{name}.new"
        half.write_text(text)
        half.replace(folder / name)


def kept() -> dict[str, str]:
    """Those for containers, whose vhost is called shop."""
    project = Path(__file__).parents[3]
    return targets(compose.read(project / "docker-compose.yml", Variables()), "shop")


def _is_scraped(service: Service) -> bool:
    return "BIND" in service.environment and service.health[:3] == PROBE


def _port(service: Service) -> int:
    return int(service.environment["BIND"].rpartition(":")[2])


def _target(name: str, port: int, **labels: str) -> dict[str, Any]:
    return {"targets": [f"{name}:{port}"], "labels": labels | {"instance": name}}


def _text(found: list[dict[str, Any]]) -> str:
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    write(CONFIG / "targets", kept())
    sys.stdout.write(f"{CONFIG / 'targets'} is written anew.\n")
