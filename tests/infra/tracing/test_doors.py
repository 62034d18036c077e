"""Whatever comes in at a door, the collector stays up, says what was wrong, and counts it."""

import gzip
import json
import random
import zlib

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from labs.infra.tracing import intake
from labs.infra.tracing.store import LARGEST_SPAN
from tests.infra.tracing.making import TRACE, attributes, counted, export, found, packet

GOOD = export({}).SerializeToString()
SOMETHING = f'{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{{"traceId": "{TRACE}", "spanId": "%s"}}]}}]}}]}}'


def refused(reason: str, door: str = "otlp") -> float:
    return counted("tracing_refused_total", door=door, reason=reason)


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status", "reason"),
    [
        (b"\xff\xff\xff", intake.PROTOBUF, {}, 400, "malformed"),
        (GOOD[:-3], intake.PROTOBUF, {}, 400, "malformed"),
        (b"{", intake.JSON, {}, 400, "malformed"),
        (b"[]", intake.JSON, {}, 400, "malformed"),
        (b"[" * 100_000, intake.JSON, {}, 400, "malformed"),
        (b'"text"', intake.JSON, {}, 400, "malformed"),
        (b"\xff", intake.JSON, {}, 400, "malformed"),
        (b'{"resourceSpans": 7}', intake.JSON, {}, 400, "malformed"),
        ((SOMETHING % "xyz").encode(), intake.JSON, {}, 400, "malformed"),
        ((SOMETHING % "12").encode(), intake.JSON, {}, 400, "malformed"),
        ((SOMETHING % "AAAAAAAAAAE=").encode(), intake.JSON, {}, 400, "malformed"),
        (GOOD, "text/plain", {}, 415, "content_type"),
        (GOOD, "", {}, 415, "content_type"),
        (GOOD, intake.PROTOBUF, {"Content-Encoding": "br"}, 415, "content_encoding"),
        (GOOD, intake.PROTOBUF, {"Content-Encoding": "gzip"}, 400, "malformed"),
        (gzip.compress(GOOD)[:-9], intake.PROTOBUF, {"Content-Encoding": "gzip"}, 400, "malformed"),
        (zlib.compress(GOOD), intake.PROTOBUF, {"Content-Encoding": "gzip"}, 400, "malformed"),
        (bytes(intake.LARGEST + 1), intake.PROTOBUF, {}, 413, "too_large"),
        (gzip.compress(bytes(50 * intake.LARGEST)), intake.PROTOBUF, {"Content-Encoding": "gzip"}, 413, "too_large"),
    ],
    ids=[
        "no protobuf", "half a protobuf", "half a JSON", "a list", "deep", "a text", "no UTF-8", "a number for a list",
        "no hex", "a short id", "an id in base64", "text", "nothing said", "brotli", "no gzip", "half a gzip", "zlib",
        "large", "a bomb",
    ],
)  # fmt: skip
def test_what_is_no_otlp_is_refused_and_counted(client, post, body, content_type, headers, status, reason):
    before = refused(reason)
    answer = post(body, content_type, headers=headers)

    assert (answer.status_code, answer.mimetype) == (status, "text/plain")
    assert len(answer.text.strip()) > 10, "it says why"
    assert refused(reason) == before + 1
    assert post(GOOD).status_code == 200
    assert found(client, "/api/services") == ["tea-shop"]


def test_gzip_is_unpacked_in_several_members_too(client, post):
    half = len(GOOD) // 2
    body = gzip.compress(GOOD[:half]) + gzip.compress(GOOD[half:])
    assert post(body, headers={"Content-Encoding": "gzip"}).status_code == 200
    assert found(client, "/api/services") == ["tea-shop"]


def test_spans_without_proper_ids_and_those_that_are_too_large_are_refused_and_the_others_taken(client, post):
    large = {"attributes": list(attributes(text="x" * LARGEST_SPAN))}
    bad = [{"trace_id": b""}, {"trace_id": bytes(16)}, {"trace_id": b"short"}, {"span_id": bytes(8)}]
    before = refused("bad_ids")
    answer = post(export(*bad, large, {}).SerializeToString())

    said = ExportTraceServiceResponse.FromString(answer.data).partial_success
    assert (answer.status_code, said.rejected_spans) == (200, 5)
    assert said.error_message == "4 without proper ids, 1 too large"
    assert refused("bad_ids") == before + 4
    (trace,) = found(client, f"/api/traces/{TRACE}")
    assert len(trace["spans"]) == 1


def test_an_answer_is_in_the_language_of_the_question(post):
    document = json.dumps({"resourceSpans": []}).encode()
    assert post(document, intake.JSON).json == {}
    assert post(GOOD).mimetype == intake.PROTOBUF


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\x82",
        b"GET / HTTP/1.1\r\n\r\n",
        packet({})[:-5],
        packet({}, call="emitZipkinBatch"),
        packet({}, service=None),
        packet({}, service=""),
        packet({"startTime": None}),
        packet({"duration": None}),
        b"\x82\x81\x01\x09emitBatch\x1c\x19\xfc\xff\xff\xff\xff\x0f",
    ],
    ids=[
        "nothing",
        "a byte",
        "HTTP",
        "half",
        "zipkin",
        "nobody",
        "nameless",
        "no start",
        "no duration",
        "a list without end",
    ],
)
def test_a_packet_that_is_none_is_refused_and_counted(client, store, bad):
    agent, before = intake.Agent(store, None), refused("malformed", "agent")
    agent.take(bad)

    assert refused("malformed", "agent") == before + 1
    agent.take(packet({}))
    assert found(client, "/api/services") == ["old-shop"]


def test_random_damage_to_good_input_never_takes_it_down(client, post, store):
    dice, agent = random.Random(4711), intake.Agent(store, None)
    for _ in range(1500):
        body, datagram = bytearray(GOOD), bytearray(packet({"tags": []}, {"parentSpanId": 1}))
        for damaged in (body, datagram):
            for _ in range(dice.randint(1, 4)):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        assert post(bytes(body)).status_code in (200, 400)
        agent.take(bytes(datagram))
    for service in found(client, "/api/services"):
        assert client.get("/api/traces", query_string={"service": service, "start": 0}).status_code == 200
    assert found(client, "/api/dependencies") is not None
