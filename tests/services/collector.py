"""A collector for tests: it takes OTLP over HTTP as a real one does, and can freeze."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """A span that arrived; ids in hex as logs have them."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    failed: bool
    attributes: dict[str, Any]


@dataclass
class Collector:
    """`url` is its OTLP_ENDPOINT. While `thawed` is not set it accepts connections and never answers."""

    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    thawed: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)

    def of(self, name: str) -> list[Seen]:
        """All of this name so far."""
        return [span for span in self.spans if span.name == name]

    def take(self, body: bytes) -> None:
        """One export request."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            (service,) = [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
            for scope in resource.scope_spans:
                for s in scope.spans:
                    attributes = {a.key: getattr(a.value, str(a.value.WhichOneof("value"))) for a in s.attributes}
                    ids = (s.trace_id.hex(), s.span_id.hex(), s.parent_span_id.hex())
                    self.spans.append(Seen(service, s.name, s.kind, *ids, s.status.code == 2, attributes))


@contextmanager
def collecting(frozen: bool = False) -> Iterator[Collector]:
    """One that listens."""
    collector = Collector()
    if not frozen:
        collector.thawed.set()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.asked.set()
            collector.thawed.wait()
            assert self.path == "/v1/traces", self.path
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        collector.thawed.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
