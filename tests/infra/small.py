"""Small services for tests of the runner, each good at behaving in one way, and their entries in a compose file."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from labs.infra import compose
from labs.infra.system import COMPOSE_FILE, System

SOURCE = """
import http.server, os, pathlib, signal, sys, time

what = sys.argv[1]
print(f"{what} begins", flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if what == "crash":
    sys.stderr.write("the cupboard is bare\\\\n")
    sys.exit(3)
if what == "done":
    sys.exit(0)
if what == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = what != "late" or pathlib.Path("open").exists()
        body = b"well" if ready else b"still looking for the key"
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


host, _, port = os.environ["BIND"].rpartition(":")
http.server.HTTPServer((host, int(port)), Answer).serve_forever()
"""
PROBE = "labs.services.chassis.probe"


def entry(what: str, **more: Any) -> dict[str, Any]:
    """A service that is steady, late (ready once a file `open` is in the system's folder), stubborn (ignores SIGTERM),
    crash (code 3) or done (code 0)."""
    usual = {
        "command": ["python", "-m", "small", what],
        "environment": {"BIND": "0.0.0.0:8000"},
        "expose": ["8000"],
        "restart": "unless-stopped",
        "stop_grace_period": "1s",
        "healthcheck": {"test": ["CMD", "python", "-m", PROBE, "http://localhost:8000/"]},
    }
    return usual | more


def task(what: str, **more: Any) -> dict[str, Any]:
    """A service that others wait for until it has ended."""
    return entry(what, **({"restart": "no", "healthcheck": {"disable": True}} | more))


def shipped(name: str) -> dict[str, Any]:
    """A service as docker-compose.yml has it."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())["services"][name]
    return found


def read(variables: Mapping[str, str] | None = None, /, **entries: dict[str, Any]) -> dict[str, compose.Service]:
    """These entries as a compose file, read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "docker-compose.yml"
        path.write_text(yaml.safe_dump({"services": entries}, sort_keys=False))
        return compose.read(path, variables or {})


def add(system: System, **entries: dict[str, Any]) -> None:
    """Make these services of the system."""
    (system.places.code / "small.py").write_text(SOURCE)
    system.services.update(read(system.variables, **entries))
