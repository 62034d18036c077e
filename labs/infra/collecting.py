"""Whether traces are collected: services learn where to send them when they start, from variables of docker-compose.yml that
are set if `tracing` is wanted beside them."""

from collections.abc import Collection, Iterable, Mapping

from labs.infra.compose import Service
from labs.infra.home import PROJECT
from labs.infra.start_error import StartError

TRACING = "tracing"
ENDPOINT = "OTLP_ENDPOINT"
QUERY, OTLP, AGENT = 16686, 4318, 6831
"""Its ports: Jaeger's query API and page, OTLP over HTTP, compact Thrift over UDP."""


def variables() -> dict[str, str]:
    """What is set where traces are collected."""
    added = (PROJECT / "labs/infra/gateway/tracing.yaml").read_text()
    return {ENDPOINT: f"http://{TRACING}:{OTLP}", "GATEWAY_TRACING": added}


def refuse_late(services: Mapping[str, Service], up: Iterable[str], wanted: Collection[str]) -> None:
    """Raise StartError if services of `up` run already, which send no traces and would go on not to."""
    deaf = [name for name in up if ENDPOINT in services[name].environment and services[name].restart != "no"]
    if deaf:
        groups = sorted({services[name].group for name in deaf} - set(wanted))
        raise StartError(
            f"Traces of {', '.join(groups)} would be missing: what runs already has learned at its start that nobody collects "
            f"them.\nStart {TRACING} first or together with them. For a system that runs: stop these, then start them with it."
        )
