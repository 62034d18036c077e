"""Which service emits which trace, metric and log: the one table. A new service is one line of it. tests/signals holds every
line to a shop at work: over synchronous edges (who asks whom) and asynchronous ones (who hears whom) alike."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Emits:
    """What one service says of its work, of each thing a trace, a metric and a log line:

    `answers`: method and route. A server's span; http_server_request_duration_seconds; a line "POST /orders".
    `asks`: services that it waits for. A client's span above the other's.
    `calls`: by what name client_calls_total counts them, where the chassis' client asks.
    `hears`: source.event_type. A consumer's span below the producer's; messaging_process_duration_seconds; a line "handling …".
    `tells`: event types. A producer's span; events_published_total; a line "told …".
    `counts`: metrics that it has beyond those that the chassis gives to every service.
    """

    service: str
    answers: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    hears: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()


SIGNALS = (
    Emits(
        "gateway",
        asks=("user-service", "inventory-service", "order-service", "notification-service"),
    ),
    Emits(
        "user-service",
        answers=("POST /users", "POST /tokens", "PATCH /users/<uuid:user_id>", "GET /.well-known/jwks.json"),
        tells=("user_registered", "profile_changed"),
        counts=("users_registered_total", "logins_total"),
    ),
    Emits(
        "inventory-service",
        answers=("PUT /products/<sku>", "POST /stock", "GET /prices", "POST /price-imports", "POST /stock-reports"),
        asks=("user-service",),
        hears=(
            "order-service.order_placed",
            "order-service.order_paid",
            "order-service.order_fulfilled",
            "order-service.order_rejected",
            "order-service.order_cancelled",
            "inventory-service.price_import_chunk",
            "inventory-service.stock_report_asked",
        ),
        tells=(
            "price_changed",
            "price_import_chunk",
            "stock_low",
            "stock_overdue",
            "stock_rejected",
            "stock_released",
            "stock_report_asked",
            "stock_reserved",
        ),
        counts=("stock_reservations_total",),
    ),
    Emits(
        "order-service",
        answers=(
            "POST /orders",
            "GET /orders/<uuid:order_id>",
            "POST /orders/<uuid:order_id>/cancel",
            "POST /settlements",
        ),
        asks=("user-service", "inventory-service", "outside"),
        calls=("inventory-service", "payments", "carrier"),
        hears=(
            "inventory-service.price_changed",
            "inventory-service.stock_overdue",
            "inventory-service.stock_rejected",
            "inventory-service.stock_reserved",
            "order-service.settlement_asked",
        ),
        tells=(
            "order_cancelled",
            "order_confirmed",
            "order_fulfilled",
            "order_paid",
            "order_placed",
            "order_rejected",
            "settlement_asked",
        ),
        counts=("orders_placed_total", "orders_ended_total", "saga_attempts_total", "saga_late_seconds"),
    ),
    Emits(
        "notification-service",
        answers=("GET /notifications",),
        asks=("user-service", "outside"),
        calls=("SMS gateway", "push gateway"),
        hears=(
            "user-service.user_registered",
            "user-service.profile_changed",
            "order-service.order_confirmed",
            "order-service.order_paid",
            "order-service.order_fulfilled",
            "order-service.order_rejected",
            "order-service.order_cancelled",
        ),
        tells=("notification_sent", "notification_failed"),
        counts=("notification_attempts_total",),
    ),
    Emits(
        "outside",
        answers=(
            "POST /payments/charges",
            "POST /payments/refunds",
            "POST /carrier/shipments",
            "POST /sms/messages",
            "POST /push/messages",
        ),
    ),
)

EVERY_SERVICE = frozenset(
    {
        "http_server_request_duration_seconds",
        "client_calls_total",
        "client_attempts_total",
        "outbox_events",
        "outbox_age_seconds",
        "trace_spans_lost_total",
        "events_published_total",
        "event_publish_failures_total",
        "messaging_process_duration_seconds",
        "duplicates_suppressed_total",
        "event_retries_total",
        "dead_letters_total",
        "dead_letters_waiting",
    }
)
"""Metrics of the chassis: those of HTTP in every process, those of events in workers."""
