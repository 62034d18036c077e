"""Spans for these tests, as the two clients send them and as the model has them."""

from collections.abc import Iterator
from typing import Any

from flask.testing import FlaskClient
from jaeger_client import thrift as jaeger
from jaeger_client.thrift_gen.agent import Agent
from jaeger_client.thrift_gen.jaeger import ttypes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from prometheus_client import REGISTRY
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.transport.TTransport import TMemoryBuffer

from labs.infra.tracing.model import CHILD_OF, Process, Reference, Span, Tag

TRACE, OTHER = "4bf92f3577b34da6a3ce929d0e0e4736", "a" * 32
START = 1_700_000_000_000_000
"""Microseconds."""
PROTOBUF = "application/x-protobuf"


def span(number: int = 1, trace: str = TRACE, service: str = "tea-shop", **given: Any) -> Span:
    """A span of 1 ms that begins `number` ms after START, below span `parent` if that is given."""
    parent = given.pop("parent", 0)
    references = (Reference(CHILD_OF, trace, f"{parent:016x}"),) if parent else ()
    tags = tuple(Tag(key, value) for key, value in given.pop("tags", {}).items())
    known = {"operation": "brew", "start": START + number * 1000, "duration": 1000, "process": Process(service)}
    return Span(trace, f"{number:016x}", **{**known, "references": references, "tags": tags, **given})


def attributes(**values: Any) -> Iterator[KeyValue]:
    """As OTLP has them; a double underscore stands for a dot."""
    kinds = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value"}
    for key, value in values.items():
        yield KeyValue(key=key.replace("__", "."), value=AnyValue(**{kinds[type(value)]: value}))


def export(*spans: dict[str, Any], **resource: Any) -> ExportTraceServiceRequest:
    """A request with these spans, whose fields are those of the protocol."""
    request = ExportTraceServiceRequest()
    process = request.resource_spans.add()
    process.resource.attributes.extend(attributes(**{"service__name": "tea-shop", **resource}))
    scope = process.scope_spans.add()
    scope.scope.name, scope.scope.version = "kettle", "1.2"
    for number, given in enumerate(spans, 1):
        start = (START + number * 1000) * 1000
        known = {"trace_id": bytes.fromhex(TRACE), "span_id": number.to_bytes(8), "name": "brew"}
        scope.spans.add(**{**known, "start_time_unix_nano": start, "end_time_unix_nano": start + 1_000_000, **given})
    return request


class Writer(TCompactProtocol):
    """Bytes as they are, which other languages' clients send."""

    def writeString(self, value: str | bytes) -> None:
        self.writeBinary(value if isinstance(value, bytes) else value.encode())


def packet(*spans: dict[str, Any], service: str | None = "old-shop", call: str = "emitBatch") -> bytes:
    """What jaeger-client sends for these spans, whose fields are those of its Thrift."""
    known = {"traceIdLow": 7, "traceIdHigh": 0, "parentSpanId": 0, "operationName": "brew", "flags": 1}
    times = {"startTime": START, "duration": 1000}
    made = [ttypes.Span(**{**known, **times, "spanId": n, **given}) for n, given in enumerate(spans, 1)]
    batch = ttypes.Batch(process=jaeger.make_process(service, {"hostname": "old"}, 100), spans=made)
    buffer = TMemoryBuffer()
    protocol = Writer(buffer)
    protocol.writeMessageBegin(call, 4, 1)
    Agent.emitBatch_args(batch).write(protocol)
    protocol.writeMessageEnd()
    return bytes(buffer.getvalue())


def found(client: FlaskClient, path: str, **parameters: Any) -> Any:
    """The data of an answer that must be one."""
    answer = client.get(path, query_string=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


def counted(name: str, **labels: str) -> float:
    """A counter of this process."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
