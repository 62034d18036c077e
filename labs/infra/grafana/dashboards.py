"""What the dashboards show, as data: rows of panels, each with its queries.

`python -m labs.infra.grafana.dashboards` writes the JSON that Grafana reads; a test says when the two are out of step, another
that every query names a metric that there is."""

import sys
from collections.abc import Mapping
from pathlib import Path

from labs.infra.grafana.panels import Dashboard, Panel, Row

FOLDER = Path(__file__).parent / "dashboards"
OF = 'job=~"$service"'
ROUTES, HANDLERS = "{{http_request_method}} {{http_route}}", "{{messaging_destination_name}}"

GOLDEN_SIGNALS = Dashboard(
    uid="golden-signals",
    title="Golden signals",
    description="Latency, traffic, errors and saturation of one service: over HTTP, in its event handlers, in its processes.",
    variable="label_values(up, job)",
    rows=(
        Row(
            "Over HTTP",
            Panel("Latency, 95 of 100", {f"job_route:http_server_request_duration_seconds:p95_5m{{{OF}}}": ROUTES}, "s"),
            Panel("Traffic", {f"job_route:http_server_requests:rate5m{{{OF}}}": ROUTES}, "reqps"),
            Panel("Errors of ours", {f"job_route:http_server_errors:ratio_rate5m{{{OF}}}": ROUTES}, "percentunit"),
        ),
        Row(
            "In event handlers",
            Panel("Latency, 95 of 100", {f"job_queue:messaging_process_duration_seconds:p95_5m{{{OF}}}": HANDLERS}, "s"),
            Panel("Traffic", {f"job_queue:messaging_processed:rate5m{{{OF}}}": HANDLERS}, "ops"),
            Panel("Attempts that fail", {f"job_queue:messaging_failures:ratio_rate5m{{{OF}}}": HANDLERS}, "percentunit"),
        ),
        Row(
            "Saturation",
            Panel("Oldest event in the outbox", {f"job:outbox_age_seconds:max{{{OF}}}": "{{job}}"}, "s"),
            Panel("Memory", {f"process_resident_memory_bytes{{{OF}}}": "{{instance}}"}, "bytes"),
            Panel("Processors in use", {f"rate(process_cpu_seconds_total{{{OF}}}[5m])": "{{instance}}"}, "none"),
        ),
        Row(
            "Others, as this service meets them",
            Panel("Calls, by how they end", {
                f"sum by (dependency, outcome) (rate(client_calls_total{{{OF}}}[5m]))": "{{dependency}} {{outcome}}",
            }, "ops"),
            Panel("Requests for each call", {
                f"sum by (dependency) (rate(client_attempts_total{{{OF}}}[5m])) "
                f"/ sum by (dependency) (rate(client_calls_total{{{OF}}}[5m]))": "{{dependency}}",
            }, "none", "1 while nothing is tried twice"),
            Panel("Processes that answer", {f"up{{{OF}}}": "{{instance}}"}, "none"),
        ),
    ),
)  # fmt: skip

BUSINESS = Dashboard(
    uid="business",
    title="Business",
    description="What customers do and get, whatever the processes say of themselves.",
    rows=(
        Row(
            "Orders",
            Panel("Placed", {"sum(rate(orders_placed_total[5m])) * 60": "a minute"}, "none"),
            Panel("Ended", {"sum by (status) (rate(orders_ended_total[5m])) * 60": "{{status}}"}, "none", "a minute"),
            Panel("Error budget of the checkout, burnt how fast?", {
                "slo:checkout_errors:ratio_rate5m / 0.001": "5 minutes",
                "slo:checkout_errors:ratio_rate1h / 0.001": "1 hour",
                "slo:checkout_errors:ratio_rate6h / 0.001": "6 hours",
            }, "none", "1 is as fast as the objective allows; whoever is on call is woken at 14.4"),
        ),
        Row(
            "On their way",
            Panel("Steps, by what became of them", {
                "sum by (action, outcome) (rate(saga_attempts_total[5m]))": "{{action}} {{outcome}}",
            }, "ops"),
            Panel("The order that waits longest", {"max by (step) (saga_late_seconds)": "{{step}}"}, "s"),
            Panel("Stock", {"sum by (outcome) (rate(stock_reservations_total[5m])) * 60": "{{outcome}}"}, "none", "a minute"),
        ),
        Row(
            "Customers",
            Panel("Logins", {"sum by (outcome) (rate(logins_total[5m])) * 60": "{{outcome}}"}, "none", "a minute"),
            Panel("New customers", {"sum(increase(users_registered_total[1h]))": "in an hour"}, "none"),
            Panel("Told", {
                "sum by (channel, status) (rate(notification_attempts_total[5m])) * 60": "{{channel}} {{status}}",
            }, "none", "attempts a minute"),
        ),
    ),
)  # fmt: skip

BROKER = Dashboard(
    uid="broker",
    title="Broker and gateway",
    description="Events on their way, and the two programs that everything goes through.",
    rows=(
        Row(
            "Queues",
            Panel("Events that wait", {
                'topk(10, rabbitmq_detailed_queue_messages_ready{queue=~"evt-.*"})': "{{queue}}",
            }, "none", "the ten longest"),
            Panel("Events that somebody works on", {"topk(10, rabbitmq_detailed_queue_messages_unacked)": "{{queue}}"}, "none"),
            Panel("Queues without a consumer", {
                'count(rabbitmq_detailed_queue_consumers{queue=~"evt-.*"} == 0)': "handlers that nobody runs",
            }, "none"),
        ),
        Row(
            "What becomes of events",
            Panel("Told", {
                "sum by (cloudevents_event_type) (rate(events_published_total[5m]))": "{{cloudevents_event_type}}",
            }, "ops"),
            Panel("Not told yet", {
                "max by (job) (outbox_events)": "{{job}}",
                "sum by (reason) (rate(event_publish_failures_total[5m]))": "failures a second: {{reason}}",
            }, "none"),
            Panel("Not handled", {
                "job:dead_letters_waiting:max": "dead letters of {{job}}",
                "sum by (job) (rate(event_retries_total[5m]))": "retries a second in {{job}}",
                "sum by (job) (rate(duplicates_suppressed_total[5m]))": "duplicates a second in {{job}}",
            }, "none"),
        ),
        Row(
            "The broker's node",
            Panel("Memory", {
                "rabbitmq_detailed_process_resident_memory_bytes": "in use",
                "rabbitmq_detailed_resident_memory_limit_bytes": "from here on publishers wait",
            }, "bytes"),
            Panel("Disk", {
                "rabbitmq_detailed_disk_space_available_bytes": "free",
                "rabbitmq_detailed_disk_space_available_limit_bytes": "from here on publishers wait",
            }, "bytes"),
            Panel("Files and sockets", {
                "rabbitmq_detailed_process_open_fds / rabbitmq_detailed_process_max_fds": "files",
            }, "percentunit"),
        ),
        Row(
            "The gateway",
            Panel("Answers", {
                "sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx[5m]))": "{{envoy_response_code_class}}xx",
            }, "reqps"),
            Panel("Open connections", {"envoy_http_downstream_cx_active": "{{envoy_http_conn_manager_prefix}}"}, "none"),
            Panel("Requests to each service", {
                "sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_total[5m]))": "{{envoy_cluster_name}}",
            }, "reqps"),
        ),
    ),
)  # fmt: skip

DASHBOARDS = (GOLDEN_SIGNALS, BUSINESS, BROKER)


def files() -> Mapping[str, str]:
    """What Grafana reads, by file name."""
    return {f"{dashboard.uid}.json": dashboard.json() for dashboard in DASHBOARDS}


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text)
    sys.stdout.write(f"{FOLDER} is written anew.\n")
