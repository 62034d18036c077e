"""Spans in OpenTelemetry's protocol (OTLP 1.x, protobuf or JSON) as spans of Jaeger's model, translated as Jaeger does it:
https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/"""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError  # type: ignore[import-untyped]  # it has no types
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from labs.infra.tracing.model import CHILD_OF, FOLLOWS_FROM, Log, Process, Reference, Span, Tag, Tags

NAMELESS = "OTLPResourceNoServiceName"
"""What Jaeger calls a service that does not say its name."""
SAMPLED = 1
_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}
"""Fields that are hex in OTLP's JSON, where protobuf's own JSON has base64; with their length in bytes."""


class Malformed(ValueError):
    """What came is not what it says it is; the message says why."""


def read_protobuf(body: bytes) -> ExportTraceServiceRequest:
    """Raises Malformed."""
    try:
        read: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise Malformed(f"no ExportTraceServiceRequest: {error}") from None
    return read


def read_json(body: bytes) -> ExportTraceServiceRequest:
    """Raises Malformed."""
    try:
        document, read = json.loads(body), ExportTraceServiceRequest()
        if not isinstance(document, dict):
            raise ValueError("it must be an object")
        ParseDict(_without_hex(document), read, ignore_unknown_fields=True)
    except (ParseError, ValueError, RecursionError) as error:
        raise Malformed(f"no ExportTraceServiceRequest in JSON: {str(error)[:300]}") from None
    return read


def spans(request: ExportTraceServiceRequest) -> tuple[list[Span], int]:
    """All of them that have proper ids, and how many have not."""
    found, refused = [], 0
    for resource in request.resource_spans:
        process = _process(resource.resource.attributes)
        for scope in resource.scope_spans:
            for raw in scope.spans:
                if len(raw.trace_id) == 16 and any(raw.trace_id) and len(raw.span_id) == 8 and any(raw.span_id):
                    found.append(_span(raw, scope.scope, process))
                else:
                    refused += 1
    return found, refused


def _without_hex(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_hex(each) for each in value]
    if isinstance(value, dict):
        return {k: _id(k, v) if k in _IDS else _without_hex(v) for k, v in value.items()}
    return value


def _id(name: str, text: Any) -> str:
    raw = bytes.fromhex(text) if isinstance(text, str) else b"?"
    if len(raw) != _IDS[name] and not (name == "parentSpanId" and not raw):
        raise ValueError(f"{name} must be {2 * _IDS[name]} hex digits")
    return base64.b64encode(raw).decode()


def _process(attributes: Iterable[KeyValue]) -> Process:
    tags = _tags(attributes)
    named = [tag.text() for tag in tags if tag.key == "service.name" and tag.text()]
    return Process(named[-1] if named else NAMELESS, tuple(tag for tag in tags if tag.key != "service.name"))


def _span(raw: OtlpSpan, scope: InstrumentationScope, process: Process) -> Span:
    trace_id, start, end = raw.trace_id.hex(), raw.start_time_unix_nano // 1000, raw.end_time_unix_nano // 1000
    parent = [Reference(CHILD_OF, trace_id, raw.parent_span_id.hex())] if any(raw.parent_span_id) else []
    backwards = ("ended before it began, by its own clock",) if end < start else ()
    return Span(
        trace_id,
        raw.span_id.hex(),
        raw.name,
        start,
        max(0, end - start),
        process,
        (*parent, *map(_link, raw.links)),
        (*_tags(raw.attributes), *_also(raw, scope)),
        tuple(Log(e.time_unix_nano // 1000, _event(e.name, e.attributes)) for e in raw.events),
        raw.flags & SAMPLED,
        backwards,
    )


def _also(raw: OtlpSpan, scope: InstrumentationScope) -> Iterator[Tag]:
    """What Jaeger's model has no field for."""
    if scope.name:
        yield Tag("otel.scope.name", scope.name)
    if scope.version:
        yield Tag("otel.scope.version", scope.version)
    if kind := _KINDS.get(raw.kind):
        yield Tag("span.kind", kind)
    if raw.status.code == Status.STATUS_CODE_ERROR:
        yield Tag("error", True)
        yield Tag("otel.status_code", "ERROR")
    elif raw.status.code == Status.STATUS_CODE_OK:
        yield Tag("otel.status_code", "OK")
    if raw.status.message:
        yield Tag("otel.status_description", raw.status.message)
    if raw.trace_state:
        yield Tag("w3c.tracestate", raw.trace_state)


def _link(link: OtlpSpan.Link) -> Reference:
    asked = {tag.key: tag.text() for tag in _tags(link.attributes)}.get("opentracing.ref_type")
    kind = CHILD_OF if asked == "child_of" else FOLLOWS_FROM
    return Reference(kind, link.trace_id.hex(), link.span_id.hex())


def _event(name: str, attributes: Iterable[KeyValue]) -> Tags:
    return (*([Tag("event", name)] if name else []), *_tags(attributes))


def _tags(attributes: Iterable[KeyValue]) -> Tags:
    return tuple(Tag(pair.key, _scalar(pair.value)) for pair in attributes)


def _scalar(value: AnyValue) -> str | bool | int | float | bytes:
    """Lists and maps as JSON text, nothing as empty text."""
    plain = _plain(value)
    return plain if isinstance(plain, str | bool | int | float | bytes) else json.dumps(plain, default=_hex)


def _plain(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    if which == "array_value":
        return [_plain(each) for each in value.array_value.values]
    if which == "kvlist_value":
        return {pair.key: _plain(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, which) if which else ""


def _hex(value: bytes) -> str:
    return value.hex()
