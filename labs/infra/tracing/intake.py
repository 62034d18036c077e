"""The doors through which spans come: OTLP over HTTP at POST /v1/traces, and jaeger-client's packets over UDP. What is
malformed is refused and counted, and takes nobody down."""

import socket
import threading
import zlib
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, request
from google.protobuf.json_format import MessageToJson  # type: ignore[import-untyped]  # it has no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from labs.infra.tracing import otlp, thrift
from labs.infra.tracing.otlp import Malformed
from labs.infra.tracing.store import Store
from labs.services.chassis import logs, metrics

LARGEST = 4 * 2**20
"""Bytes of a request's body, and of what is in it when it is unpacked."""
BURST = 500
"""Packets that are fetched before they are looked at."""
PROTOBUF, JSON = "application/x-protobuf", "application/json"
RECEIVED = metrics.counter("tracing_spans_received_total", "Spans that came", ("door",))
REFUSED = metrics.counter(
    "tracing_refused_total", "Requests, packets and spans that were not taken", ("door", "reason")
)
log = logs.get(__name__)


class TooLarge(Exception):
    """More than LARGEST."""


def blueprint(store: Store) -> Blueprint:
    """POST /v1/traces."""
    door = Blueprint("intake", __name__)

    @door.post("/v1/traces")
    def take() -> Response:
        kind = request.mimetype
        if kind not in (PROTOBUF, JSON):
            return _refuse(
                415, "content_type", f"OTLP comes as {PROTOBUF} or {JSON}, not {kind[:50] or 'without a word'}"
            )
        if (encoding := request.headers.get("Content-Encoding", "identity")) not in ("identity", "gzip"):
            return _refuse(415, "content_encoding", f"gzip or nothing is known, not {encoding[:50]}")
        if request.content_length and request.content_length > LARGEST:
            return _refuse(413, "too_large", f"at most {LARGEST} bytes at once")
        try:
            body = _unpacked(request.get_data(), gzip=encoding == "gzip")
            spans, refused = otlp.spans(otlp.read_protobuf(body) if kind == PROTOBUF else otlp.read_json(body))
        except Malformed as error:
            return _refuse(400, "malformed", str(error))
        except TooLarge:
            return _refuse(413, "too_large", f"at most {LARGEST} bytes at once, unpacked too")
        _count("otlp", len(spans) + refused, refused)
        too_large = store.add(spans)
        return _taken(kind, refused, too_large)

    @door.errorhandler(413)
    def too_large(_error: Exception) -> Response:
        return _refuse(413, "too_large", f"at most {LARGEST} bytes at once")

    return door


class Agent:
    """Reads packets from a UDP socket, in a thread that ends with the process."""

    def __init__(self, store: Store, receiver: socket.socket) -> None:
        self._store, self._receiver = store, receiver
        self._said = ""

    def start(self) -> None:
        """From now on."""
        threading.Thread(target=self._run, name="agent", daemon=True).start()

    def take(self, packet: bytes) -> None:
        """One packet, whatever it holds."""
        try:
            spans, refused = thrift.spans(packet)
        except Malformed as error:
            REFUSED.labels("agent", "malformed").inc()
            if str(error) != self._said:  # who sends one such packet sends many
                self._said = str(error)
                log.warning("a packet is refused", reason=self._said)
            return
        _count("agent", len(spans) + refused, refused)
        self._store.add(spans)

    def _run(self) -> None:
        while True:
            for packet in self._burst():
                self.take(packet)

    def _burst(self) -> list[bytes]:
        """What is there now, at least one: the system keeps a few dozen packets for us, and looking at one takes long."""
        packets = [self._receiver.recv(thrift.LARGEST + 1000)]
        with suppress(BlockingIOError):
            while len(packets) < BURST:
                packets.append(self._receiver.recv(thrift.LARGEST + 1000, socket.MSG_DONTWAIT))
        return packets


def listen(host: str, port: int) -> socket.socket:
    """A UDP socket with room for a burst, as far as the system allows. Raises OSError if the port is taken."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 2**20)
    receiver.bind((host, port))
    return receiver


def _unpacked(body: bytes, gzip: bool) -> bytes:
    """Raises TooLarge, Malformed."""
    unpacked = b""
    while gzip and body:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            unpacked += unpacker.decompress(body, LARGEST + 1 - len(unpacked))
        except zlib.error as error:
            raise Malformed(f"no gzip: {error}") from None
        if len(unpacked) > LARGEST:
            raise TooLarge
        if not unpacker.eof:
            raise Malformed("gzip that ends in the middle")
        body = unpacker.unused_data
    return unpacked if gzip else body


def _count(door: str, came: int, refused: int) -> None:
    RECEIVED.labels(door).inc(came)
    if refused:
        REFUSED.labels(door, "bad_ids").inc(refused)


def _taken(kind: str, bad_ids: int, too_large: int) -> Response:
    said: Any = ExportTraceServiceResponse()
    if bad_ids or too_large:
        said.partial_success.rejected_spans = bad_ids + too_large
        reasons = [f"{bad_ids} without proper ids"] * bool(bad_ids) + [f"{too_large} too large"] * bool(too_large)
        said.partial_success.error_message = ", ".join(reasons)
    body = said.SerializeToString() if kind == PROTOBUF else MessageToJson(said)
    return Response(body, 200, content_type=kind)


def _refuse(status: int, reason: str, words: str) -> Response:
    REFUSED.labels("otlp", reason).inc()
    return Response(f"{words}\n", status, content_type="text/plain; charset=utf-8")
