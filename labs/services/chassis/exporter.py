"""Recorded spans on their way to a collector, by OTLP over HTTP, from a thread and a queue of their own.

A collector that is slow, frozen or gone costs spans and nothing else: no request waits, no memory grows, and the log says it
once. The import is dear: only a process with a collector does it."""

import logging
from collections.abc import Sequence

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from labs.services.chassis import logs, metrics

LEAVING = 1.0
"""Seconds that the process gives to what is not handed over yet, at its end."""
EVERY = 0.5
"""Seconds between two batches; sooner when a batch is full."""
LOST = metrics.counter("trace_spans_lost_total", "Recorded spans that the collector did not take")
log = logs.get(__name__)


class Patient(SpanExporter):
    """OTLP over HTTP; says when the collector goes and when it is back. It has `timeout` seconds for a batch, all attempts
    together."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        direct = requests.Session()
        direct.trust_env = False  # no proxy between us and our own collector
        self._otlp = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=timeout, session=direct)
        self._away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """One batch."""
        result = self._otlp.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away:
            LOST.inc(len(spans))
        if away != self._away:
            self._away = away
            if away:
                log.warning("collector does not take spans, they are lost until it does")
            else:
                log.info("collector takes spans again")
        return result

    def shutdown(self) -> None:
        """No more attempts."""
        self._otlp.shutdown()


class Batches(BatchSpanProcessor):
    """OpenTelemetry's, which would wait 30 s for a frozen collector at the end of the process."""

    def shutdown(self) -> None:
        """Hand over what is there, within LEAVING seconds."""
        self._batch_processor.shutdown(int(LEAVING * 1000))


def batches(endpoint: str, timeout: float) -> Batches:
    """Starts the thread. `endpoint` is the collector's base URL, `timeout` the seconds that it has for a batch."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it would say it for every span
    return Batches(Patient(endpoint, timeout), schedule_delay_millis=EVERY * 1000)
