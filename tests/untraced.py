"""Requests of a test itself, to a shop that is traced."""

from opentelemetry.instrumentation.requests import RequestsInstrumentor


def untraced() -> None:
    """From now on this process's requests carry no trace. Where a test of the chassis ran before, they would belong to one that
    is not recorded, and the shop would go by that."""
    calls = RequestsInstrumentor()
    if calls.is_instrumented_by_opentelemetry:
        calls.uninstrument()
