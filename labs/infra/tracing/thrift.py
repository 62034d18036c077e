"""Spans as jaeger-client sends them: one call `emitBatch` in Thrift's compact protocol for each UDP packet."""

from collections.abc import Iterable
from typing import Any

from jaeger_client.thrift_gen.agent import Agent
from jaeger_client.thrift_gen.jaeger import ttypes
from thrift.protocol.TCompactProtocol import TCompactProtocol  # type: ignore[import-untyped]  # it has no types
from thrift.Thrift import TMessageType  # type: ignore[import-untyped]
from thrift.transport.TTransport import TMemoryBuffer  # type: ignore[import-untyped]

from labs.infra.tracing.model import CHILD_OF, FOLLOWS_FROM, Log, Process, Reference, Span, Tag, Tags
from labs.infra.tracing.otlp import Malformed

CALL = "emitBatch"
LARGEST = 65_000
"""Bytes of a packet, those that the client keeps to."""
_FIELDS = {
    ttypes.TagType.STRING: "vStr",
    ttypes.TagType.DOUBLE: "vDouble",
    ttypes.TagType.BOOL: "vBool",
    ttypes.TagType.LONG: "vLong",
    ttypes.TagType.BINARY: "vBinary",
}


class Reader(TCompactProtocol):
    """For whom text is bytes, as in Thrift itself: jaeger-client's own reader takes every binary tag for UTF-8."""

    def readString(self) -> str:
        """Thrift's name for it. What is not UTF-8 is kept, and can be got back by _bytes."""
        raw: bytes = self.readBinary()
        return raw.decode(errors="surrogateescape")


def spans(packet: bytes) -> tuple[list[Span], int]:
    """Those in a packet that have proper ids, and how many have not. Raises Malformed."""
    try:
        batch = _batch(packet)
        process = Process(_text(batch.process.serviceName), _tags(batch.process.tags))
        proper = [raw for raw in batch.spans if raw.spanId and (raw.traceIdLow or raw.traceIdHigh)]
        return [_span(raw, process) for raw in proper], len(batch.spans) - len(proper)
    except Malformed:
        raise
    except Exception as error:  # noqa: BLE001  the generated reader raises whatever the bytes lead it to
        raise Malformed(f"no {CALL} in compact Thrift: {type(error).__name__}: {str(error)[:200]}") from None


def _batch(packet: bytes) -> Any:
    protocol = Reader(TMemoryBuffer(packet), string_length_limit=len(packet), container_length_limit=len(packet))
    name, kind, _ = protocol.readMessageBegin()
    if name != CALL or kind not in (TMessageType.ONEWAY, TMessageType.CALL):
        raise Malformed(f"a call of {str(name)[:50]!r}; only {CALL} is known")
    call = Agent.emitBatch_args()
    call.read(protocol)
    if call.batch is None or call.batch.process is None or not call.batch.process.serviceName:
        raise Malformed("a batch that does not say whose it is")
    return call.batch


def _span(raw: Any, process: Process) -> Span:
    trace_id, span_id = _trace_id(raw.traceIdHigh, raw.traceIdLow), _hex(raw.spanId)
    references = [
        Reference(_kind(r.refType), _trace_id(r.traceIdHigh, r.traceIdLow), _hex(r.spanId))
        for r in raw.references or ()
    ]
    if raw.parentSpanId and not any(r.span_id == _hex(raw.parentSpanId) for r in references):
        references.insert(0, Reference(CHILD_OF, trace_id, _hex(raw.parentSpanId)))
    logs = tuple(Log(_number(log.timestamp), _tags(log.fields)) for log in raw.logs or ())
    duration = _number(raw.duration)
    return Span(
        trace_id,
        span_id,
        _text(raw.operationName or ""),
        _number(raw.startTime),
        max(0, duration),
        process,
        tuple(references),
        _tags(raw.tags),
        logs,
        raw.flags or 0,
        ("ended before it began, by its own clock",) if duration < 0 else (),
    )


def _number(value: int | None) -> int:
    if value is None:
        raise Malformed("a time is missing")
    return value


def _tags(raw: Iterable[Any] | None) -> Tags:
    return tuple(Tag(_text(tag.key), _value(tag)) for tag in raw or ())


def _value(tag: Any) -> str | bool | int | float | bytes:
    value: str | bool | int | float | bytes | None = getattr(tag, _FIELDS[tag.vType])
    if value is None:
        raise Malformed(f"the tag {tag.key!r} has no value of its kind")
    if isinstance(value, str):
        return _bytes(value) if tag.vType == ttypes.TagType.BINARY else _text(value)
    return value


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _text(text: str) -> str:
    return _bytes(text).decode(errors="replace")


def _kind(ref_type: int) -> str:
    return CHILD_OF if ref_type == ttypes.SpanRefType.CHILD_OF else FOLLOWS_FROM


def _trace_id(high: int | None, low: int) -> str:
    """64-bit ids of old clients are padded, so that they meet those of 128 bits."""
    return f"{(high or 0) & (2**64 - 1):016x}{low & (2**64 - 1):016x}"


def _hex(number: int) -> str:
    return f"{number & (2**64 - 1):016x}"
