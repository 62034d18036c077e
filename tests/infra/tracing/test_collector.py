"""The collector as a process: both doors, a burst, clients that behave badly, and its end."""

import gzip
import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from labs.infra.home import PROJECT
from labs.infra.ports import Ports
from labs.services.chassis.probe import probe
from tests.infra.nodes import eventually
from tests.infra.tracing.making import PROTOBUF, START, TRACE, export, packet

BURST = 10_000
JAEGER_CLIENT = """
import sys, time
from jaeger_client import Config
settings = {"sampler": {"type": "const", "param": 1}, "local_agent": {"reporting_port": int(sys.argv[1])}, "logging": False}
tracer = Config(settings, service_name="old-shop").new_tracer()
with tracer.start_span("brew") as above:
    above.set_tag("order.id", "4711")
    tracer.start_span("pour", child_of=above).finish()
ended = tracer.close()
while not ended.done():
    time.sleep(0.02)
"""


class Running:
    """A collector's process and its three addresses."""

    def __init__(self) -> None:
        self.ports = Ports()
        self.query, self.otlp, self.agent = (f"127.0.0.1:{self.ports.claim(udp=udp)}" for udp in (False, False, True))
        self.process = started("--query", self.query, "--otlp", self.otlp, "--agent", self.agent)
        eventually(lambda: not probe(f"http://{self.query}/health/ready"), 60, "it is ready")

    def get(self, path: str, **parameters: Any) -> Any:
        return requests.get(f"http://{self.query}{path}", params=parameters, timeout=10).json()["data"]

    def send(self, *packets: bytes) -> None:
        host, _, port = self.agent.rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for each in packets:
                sender.sendto(each, (host, int(port)))

    def spans(self, service: str) -> int:
        return sum(len(trace["spans"]) for trace in self.get("/api/traces", service=service, start=0, limit=1500))


def started(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "labs.infra.tracing", *arguments]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    made = Running()
    yield made
    made.process.send_signal(signal.SIGTERM)
    assert made.process.wait(10) == 0
    made.ports.release()


def test_jaeger_clients_own_reporter_is_understood(running):
    subprocess.run([sys.executable, "-c", JAEGER_CLIENT, running.agent.rpartition(":")[2]], check=True, timeout=30)
    eventually(lambda: running.get("/api/services/old-shop/operations") == ["brew", "pour"], 10, "both spans are there")
    (trace,) = running.get("/api/traces", service="old-shop", tags='{"order.id": "4711"}')
    brew, pour = sorted(trace["spans"], key=lambda span: span["operationName"])
    assert [r["spanID"] for r in pour["references"]] == [brew["spanID"]]
    process = {tag["key"] for tag in trace["processes"]["p1"]["tags"]}
    assert {"jaeger.version", "hostname"} <= process


def test_a_body_in_chunks_and_packed_is_read_as_envoy_sends_it(running):
    packed = gzip.compress(export({}, service__name="chunked-shop").SerializeToString())
    connection = http.client.HTTPConnection(running.otlp, timeout=5)
    headers = {"Content-Type": PROTOBUF, "Content-Encoding": "gzip", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/v1/traces", iter([packed[:20], packed[20:]]), headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()
    assert "chunked-shop" in running.get("/api/services")


def test_a_body_in_chunks_that_is_too_large_is_refused(running):
    connection = http.client.HTTPConnection(running.otlp, timeout=10)
    headers = {"Content-Type": PROTOBUF, "Transfer-Encoding": "chunked"}
    try:
        connection.request("POST", "/v1/traces", iter([bytes(2**20)] * 6), headers, encode_chunked=True)
        assert connection.getresponse().status in (400, 413)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it did not even wait for the end
    finally:
        connection.close()
    assert probe(f"http://{running.query}/health/ready") == ""


def test_a_burst_of_ten_thousand_spans_by_otlp_is_kept_whole(running):
    exporter = OTLPSpanExporter(f"http://{running.otlp}/v1/traces")
    provider = TracerProvider(resource=Resource({"service.name": "busy-shop"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=2 * BURST))
    tracer = provider.get_tracer("burst")
    for _ in range(BURST // 10):
        with tracer.start_as_current_span("above"):
            for _ in range(9):
                tracer.start_span("below").end()
    assert provider.force_flush(60_000)
    provider.shutdown()
    assert running.spans("busy-shop") == BURST


def test_a_burst_of_ten_thousand_spans_by_packets_is_kept_whole(running):
    def spans(number: int) -> bytes:
        given = {"traceIdLow": number, "startTime": START + number}
        return packet(*[given] * 100, service="burst-shop")

    running.send(*(spans(number) for number in range(1, BURST // 100 + 1)))
    eventually(lambda: running.spans("burst-shop") == BURST, 30, "all have arrived")


def test_nonsense_at_every_door_leaves_it_as_it_was(running):
    running.send(b"", b"nonsense", packet({})[:-4], packet({}, service="after-nonsense"))
    for body in (b"\xff" * 100, b"{}{"):
        assert (
            requests.post(
                f"http://{running.otlp}/v1/traces", body, headers={"Content-Type": PROTOBUF}, timeout=5
            ).status_code
            == 400
        )
    with socket.create_connection(tuple(running.otlp.split(":"))) as stranger:
        stranger.sendall(b"\x00\x01 not HTTP at all\r\n\r\n")
        stranger.recv(100)
    eventually(lambda: "after-nonsense" in running.get("/api/services"), 5, "the good packet behind them is there")
    said = requests.get(f"http://{running.query}/metrics", timeout=5).text
    assert 'tracing_refused_total{door="agent",reason="malformed"} 3.0' in said


def test_clients_that_are_slow_keep_nobody_out(running):
    slow = [socket.create_connection(tuple(running.otlp.split(":"))) for _ in range(40)]
    for each in slow:
        each.sendall(b"POST /v1/traces HTTP/1.1\r\nContent-Length: 100\r\n")
    began = time.monotonic()
    good = export({"trace_id": bytes.fromhex(TRACE)}).SerializeToString()
    answer = requests.post(f"http://{running.otlp}/v1/traces", good, headers={"Content-Type": PROTOBUF}, timeout=5)
    assert (answer.status_code, time.monotonic() - began < 2) == (200, True)
    for each in slow:
        each.close()


def test_it_listens_on_the_loopback_alone(running):
    family = [running.process.pid, *(child.pid for child in psutil.Process(running.process.pid).children())]
    listening = {c.laddr.ip for pid in family for c in psutil.Process(pid).net_connections("inet") if not c.raddr}
    assert listening == {"127.0.0.1"}


@pytest.mark.parametrize("wrong", ["nonsense", "127.0.0.1:99999", "taken"])
def test_an_address_that_cannot_be_had_is_said_and_what_to_do(running, wrong):
    process = started("--agent", running.agent if wrong == "taken" else wrong)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Choose another --agent host:port" in said and "Traceback" not in said
