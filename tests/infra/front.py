"""A real gateway in front of small upstreams that tell what they were asked."""

import json
from typing import Any

import requests

from labs.infra.gateway.routes import ADMIN_PORT, GATEWAY, Routes
from labs.infra.system import System
from tests.infra.nodes import eventually
from tests.infra.small import add, entry, shipped

UPSTREAMS = ("user-api", "inventory-api", "order-api", "notification-api", "monolith")
PATHS = {
    "users": ("user-api", ["/users", "/users/1/roles", "/tokens", "/.well-known/jwks.json", "/keys"]),
    "catalogue": ("inventory-api", ["/products", "/products/tea", "/prices?sku=a&sku=b", "/price-imports/1"]),
    "stock": ("inventory-api", ["/stock", "/stock/tea", "/stock-reports"]),
    "orders": ("order-api", ["/orders?limit=1", "/orders/1/cancel", "/settlements/2026-01-01"]),
    "notifications": ("notification-api", ["/notifications?order_id=1"]),
}
ECHO = """
import collections, http.server, json, os, socket, socketserver, sys, threading, time

class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do(self):
        with lock:
            busy[0] += 1
            busy[1] = max(busy)
            asked[self.path] += 1
        time.sleep(float(self.headers.get("X-Sleep", 0)))
        with lock:
            busy[0] -= 1
        if self.headers.get("X-Drop") and self.path not in dropped:
            dropped.append(self.path)
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        status = int(self.headers.get("X-Status", 200))
        told = {"name": sys.argv[1], "path": self.path, "headers": dict(self.headers.items()), "most_at_once": busy[1]}
        told["asked"] = asked[self.path]
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do

    def log_message(self, *_):
        pass

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 300

dropped, busy, asked, lock = [], [0, 0], collections.Counter(), threading.Lock()
host, _, port = os.environ["BIND"].rpartition(":")
Server((host, int(port)), Echo).serve_forever()
"""


class Front:
    """A gateway with upstreams that tell what they were asked."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.address = system.address(GATEWAY)
        self.admin = system.address(GATEWAY, ADMIN_PORT)
        self.routes = Routes(self.admin)

    def ask(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, f"http://{self.address}{path}", headers=named, timeout=20)

    def who(self, path: str) -> str:
        return str(self.ask(path).json()["name"])

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.system.log(GATEWAY).read_text().splitlines()]

    def count(self, statistic: str) -> int:
        """One of Envoy's counters, e.g. cluster.user-service.upstream_rq_retry."""
        said = requests.get(f"http://{self.admin}/stats", params={"filter": f"^{statistic}$"}, timeout=5).text
        return int(said.rpartition(":")[2])

    def logged(self, path: str) -> dict[str, Any]:
        """The access log's line about a path that was asked for once."""
        eventually(lambda: any(line.get("url", {}).get("path") == path for line in self.log()), 5, "it is logged")
        return next(line for line in self.log() if line.get("url", {}).get("path") == path)


def fronted(system: System, *upstreams: str) -> Front:
    add(
        system,
        **{name: entry(name, command=["python", "-m", "echo", name]) for name in UPSTREAMS},
        gateway=shipped(GATEWAY),
    )
    (system.places.code / "echo.py").write_text(ECHO)
    system.up(GATEWAY, *upstreams)
    return Front(system)
