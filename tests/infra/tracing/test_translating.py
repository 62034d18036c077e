"""A span says the same in Jaeger's model, field by field, by whichever door it came."""

import base64
import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from jaeger_client import thrift as jaeger
from jaeger_client.thrift_gen.jaeger import ttypes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from labs.infra.tracing import intake
from tests.infra.tracing.making import OTHER, START, TRACE, attributes, export, found, packet

FIELDS = {
    "traceID": str,
    "spanID": str,
    "operationName": str,
    "references": list,
    "startTime": int,
    "duration": int,
    "tags": list,
    "logs": list,
    "processID": str,
    "warnings": list | None,
}
"""What Jaeger's documentation says a span of its JSON has; `flags` is left out where they are 0."""
TYPES = {"string": str, "bool": bool, "int64": int, "float64": float | int, "binary": str}


def everything() -> ExportTraceServiceRequest:
    """One span with all that OTLP knows."""
    mixed = attributes(text="tea", truth=True, number=42, share=0.5, raw=b"\x00\xff")
    given: dict[str, Any] = {
        "parent_span_id": bytes.fromhex("00f067aa0ba902b7"),
        "kind": 4,
        "flags": 0x101,
        "trace_state": "vendor=1",
        "attributes": list(mixed),
        "status": {"code": 2, "message": "too cold"},
        "events": [{"time_unix_nano": (START + 1500) * 1000, "name": "boiled", "attributes": list(attributes(degrees=100))}],
        "links": [
            {"trace_id": bytes.fromhex(OTHER), "span_id": bytes(7) + b"\x09"},
            {"trace_id": bytes.fromhex(TRACE), "span_id": bytes(7) + b"\x08",
             "attributes": list(attributes(opentracing__ref_type="child_of"))},
        ],
    }  # fmt: skip
    return export(given, host__name="kitchen")


def as_otlp_json(request: ExportTraceServiceRequest) -> bytes:
    """With ids in hex and numbers for enums, as the protocol wants it."""
    document = MessageToDict(request, use_integers_for_enums=True)

    def hexed(value: Any) -> Any:
        if isinstance(value, list):
            return [hexed(each) for each in value]
        if not isinstance(value, dict):
            return value
        ids = ("traceId", "spanId", "parentSpanId")
        return {k: base64.b64decode(v).hex() if k in ids else hexed(v) for k, v in value.items()}

    return json.dumps(hexed(document)).encode()


@pytest.mark.parametrize("kind", ["protobuf", "json"])
def test_otlp_becomes_jaegers_json_field_by_field(client, post, kind):
    body = everything().SerializeToString() if kind == "protobuf" else as_otlp_json(everything())
    assert post(body, intake.PROTOBUF if kind == "protobuf" else intake.JSON).status_code == 200

    (trace,) = found(client, f"/api/traces/{TRACE}")
    assert trace == {
        "traceID": TRACE,
        "spans": [
            {
                "traceID": TRACE,
                "spanID": "0000000000000001",
                "flags": 1,
                "operationName": "brew",
                "references": [
                    {"refType": "CHILD_OF", "traceID": TRACE, "spanID": "00f067aa0ba902b7"},
                    {"refType": "FOLLOWS_FROM", "traceID": OTHER, "spanID": "0000000000000009"},
                    {"refType": "CHILD_OF", "traceID": TRACE, "spanID": "0000000000000008"},
                ],
                "startTime": START + 1000,
                "duration": 1000,
                "tags": [
                    {"key": "text", "type": "string", "value": "tea"},
                    {"key": "truth", "type": "bool", "value": True},
                    {"key": "number", "type": "int64", "value": 42},
                    {"key": "share", "type": "float64", "value": 0.5},
                    {"key": "raw", "type": "binary", "value": "AP8="},
                    {"key": "otel.scope.name", "type": "string", "value": "kettle"},
                    {"key": "otel.scope.version", "type": "string", "value": "1.2"},
                    {"key": "span.kind", "type": "string", "value": "producer"},
                    {"key": "error", "type": "bool", "value": True},
                    {"key": "otel.status_code", "type": "string", "value": "ERROR"},
                    {"key": "otel.status_description", "type": "string", "value": "too cold"},
                    {"key": "w3c.tracestate", "type": "string", "value": "vendor=1"},
                ],
                "logs": [
                    {
                        "timestamp": START + 1500,
                        "fields": [
                            {"key": "event", "type": "string", "value": "boiled"},
                            {"key": "degrees", "type": "int64", "value": 100},
                        ],
                    }
                ],
                "processID": "p1",
                "warnings": ["its parent 00f067aa0ba902b7 is not here: not recorded, lost, or still on its way"],
            }
        ],
        "processes": {
            "p1": {"serviceName": "tea-shop", "tags": [{"key": "host.name", "type": "string", "value": "kitchen"}]}
        },
        "warnings": None,
    }


def test_thrift_becomes_jaegers_json_field_by_field(client, store):
    tags = jaeger.make_tags({"text": "tea", "truth": True, "number": 42, "share": 0.5}, 100, 100)
    tags.append(ttypes.Tag(key="raw", vType=ttypes.TagType.BINARY, vBinary=b"\x00\xff"))
    log = jaeger.make_log((START + 500) / 1e6, {"event": "boiled"}, 100, 100)
    follows = ttypes.SpanRef(ttypes.SpanRefType.FOLLOWS_FROM, 9, -1, 3)
    high, low = int(TRACE[:16], 16), int(TRACE[16:], 16) - 2**64  # as signed numbers, which Thrift has
    given = {"traceIdHigh": high, "traceIdLow": low, "spanId": -1, "parentSpanId": 2}
    intake.Agent(store, None).take(packet({**given, "references": [follows], "tags": tags, "logs": [log]}))

    (trace,) = found(client, f"/api/traces/{TRACE}")
    (span,) = trace["spans"]
    assert span.pop("warnings") == ["its parent 0000000000000002 is not here: not recorded, lost, or still on its way"]
    assert span == {
        "traceID": TRACE,
        "spanID": "f" * 16,
        "flags": 1,
        "operationName": "brew",
        "references": [
            {"refType": "CHILD_OF", "traceID": TRACE, "spanID": "0000000000000002"},
            {"refType": "FOLLOWS_FROM", "traceID": f"{'f' * 16}0000000000000009", "spanID": "0000000000000003"},
        ],
        "startTime": START,
        "duration": 1000,
        "tags": [
            {"key": "text", "type": "string", "value": "tea"},
            {"key": "truth", "type": "bool", "value": True},
            {"key": "number", "type": "int64", "value": 42},
            {"key": "share", "type": "float64", "value": 0.5},
            {"key": "raw", "type": "binary", "value": "AP8="},
        ],
        "logs": [{"timestamp": START + 500, "fields": [{"key": "event", "type": "string", "value": "boiled"}]}],
        "processID": "p1",
    }
    assert trace["processes"]["p1"]["serviceName"] == "old-shop"


@pytest.mark.parametrize("door", ["otlp", "thrift"])
def test_each_field_is_one_that_jaeger_documents_and_of_its_type(client, post, store, door):
    if door == "otlp":
        post(everything().SerializeToString())
    else:
        intake.Agent(store, None).take(packet({}))
    (trace,) = found(client, "/api/traces", service="tea-shop" if door == "otlp" else "old-shop", start=START)
    assert trace.keys() == {"traceID", "spans", "processes", "warnings"}
    for span in trace["spans"]:
        span.pop("flags", None)
        assert span.keys() == FIELDS.keys()
        assert {name: isinstance(span[name], kind) for name, kind in FIELDS.items()} == dict.fromkeys(FIELDS, True)
        for tag in span["tags"]:
            assert tag.keys() == {"key", "type", "value"} and isinstance(tag["value"], TYPES[tag["type"]])


@pytest.mark.parametrize(("kind", "named"), [(0, None), (1, "internal"), (2, "server"), (3, "client"), (5, "consumer")])
def test_the_kind_of_a_span_is_a_tag(client, post, kind, named):
    post(export({"kind": kind}).SerializeToString())
    (trace,) = found(client, f"/api/traces/{TRACE}")
    assert {tag["key"]: tag["value"] for tag in trace["spans"][0]["tags"]}.get("span.kind") == named


def test_what_went_well_and_says_so_is_no_error(client, post):
    post(export({"status": {"code": 1}}).SerializeToString())
    (trace,) = found(client, f"/api/traces/{TRACE}")
    tags = {tag["key"]: tag["value"] for tag in trace["spans"][0]["tags"]}
    assert tags["otel.status_code"] == "OK" and "error" not in tags


def test_ids_of_64_bits_are_padded_and_meet_those_of_128(client, post, store):
    intake.Agent(store, None).take(packet({"traceIdLow": 0xABC}))
    post(export({"trace_id": (0xABC).to_bytes(16), "span_id": (2).to_bytes(8)}).SerializeToString())
    for asked in ("abc", "0000000000000abc", f"{'0' * 29}ABC"):
        (trace,) = found(client, f"/api/traces/{asked}")
        assert trace["traceID"] == f"{'0' * 29}abc"
        assert {process["serviceName"] for process in trace["processes"].values()} == {"old-shop", "tea-shop"}


def test_who_does_not_say_its_name_has_the_one_that_jaeger_gives(client, post):
    post(export({}, service__name="").SerializeToString())
    assert found(client, "/api/services") == ["OTLPResourceNoServiceName"]


def test_lists_become_text_and_numbers_that_json_lacks_do_too(client, post):
    request = export({"attributes": list(attributes(heat=float("inf")))})
    attribute = request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="list")
    for text in ("a", "b"):
        attribute.value.array_value.values.add(string_value=text)
    post(request.SerializeToString())
    (trace,) = found(client, f"/api/traces/{TRACE}")
    tags = {tag["key"]: tag["value"] for tag in trace["spans"][0]["tags"]}
    assert (tags["list"], tags["heat"]) == ('["a", "b"]', "inf")


def test_a_span_that_ends_before_it_begins_says_so(client, post, store):
    post(export({"end_time_unix_nano": 1}).SerializeToString())
    intake.Agent(store, None).take(packet({"duration": -5}))
    for service in ("tea-shop", "old-shop"):
        (trace,) = found(client, "/api/traces", service=service, start=START)
        (span,) = trace["spans"]
        assert (span["duration"], span["warnings"]) == (0, ["ended before it began, by its own clock"])
