"""What a service of docker-compose.yml becomes on this machine: free ports for service:port, folders for volumes, copies for
the project's files that it mounts, this Python for `python`."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labs.infra.compose import ComposeError, Service
from labs.infra.home import PROJECT, home
from labs.infra.monitors import find_monitor, started_in
from labs.infra.ports import HOST, Ports
from labs.infra.programs import find_program
from labs.infra.prometheus.time_lapse import lapsed
from labs.infra.start_error import StartError

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "SSL_CERT_FILE")
"""What a process gets from this one's environment; everything else it needs is in the file."""
WORKER_MODULE = "labs.services.chassis.worker"
_ENVOYS_WORDS = re.compile(r"address: ([\w.-]+), port_value: (\d+)")
"""How Envoy writes host:port."""


class Places:
    """Where everything of one system is on this machine: `directory` holds its volumes, logs and its copy of the
    code, `sources` that of the services."""

    def __init__(self, directory: Path, services: Mapping[str, Service]) -> None:
        self.directory, self.services = directory, services
        self.code, self.logs = directory / "code", directory / "logs"
        self.sources = self.code / "labs/services"
        self._ports = Ports()
        self._addresses: dict[tuple[str, int], str] = {}

    def address(self, name: str, port: int) -> str:
        """host:port at which `port` of a service can be reached; claimed on first use."""
        if (name, port) not in self._addresses:
            udp = name in self.services and port in self.services[name].udp
            self._addresses[name, port] = f"{HOST}:{self._ports.claim(udp)}"
        return self._addresses[name, port]

    def claim(self) -> int:
        """A free port that is none of the file's."""
        return self._ports.claim()

    def log(self, name: str) -> Path:
        """The file that a service's output goes to."""
        return self.logs / f"{name}.log"

    def set_address(self, name: str, port: int, address: str) -> None:
        """For what runs elsewhere, such as a shared broker."""
        self._addresses[name, port] = address

    def main_address(self, name: str) -> str:
        """That of the service's first port; empty if it has none."""
        ports = self.services[name].ports
        return self.address(name, ports[0]) if ports else ""

    def release(self) -> None:
        """Give the ports back."""
        self._ports.release()

    def translate(self, service: Service, text: str) -> str:
        """`text` of this service with every name of the file replaced by what it is here, Envoy's words for them too."""

        def here(match: re.Match[str]) -> str:
            host, _, port = self.translate(service, f"{match[1]}:{match[2]}").rpartition(":")
            return f"address: {host}, port_value: {port}"

        text = _ENVOYS_WORDS.sub(here, text)
        for port in service.ports:
            text = re.sub(rf"(?<![\w.])(?:0\.0\.0\.0|localhost):{port}(?!\d)", self.address(service.name, port), text)
        for other in self.services.values():
            for port in other.ports:
                pattern = rf"(?<![\w.-]){re.escape(other.name)}:{port}(?!\d)"
                if re.search(pattern, text):
                    text = re.sub(pattern, self.address(other.name, port), text)
        for inside, source in service.volumes.items():
            folder = str(self._mounted(service, source)).replace("\\", r"\\")
            text = re.sub(rf"(?<![\w.-]){re.escape(inside)}(?![\w.-])", folder, text)
        return text

    def volume(self, name: str) -> Path:
        """The folder for a named volume."""
        folder = self.directory / "volumes" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _mounted(self, service: Service, source: str) -> Path:
        if source.startswith("."):
            return self.directory / "config" / service.name / source
        return Path(source) if source.startswith("/") else self.volume(source)

    def configure(self, service: Service) -> None:
        """Copy the project's files that this service mounts, with every name in them replaced by what it is here."""
        for source in (source for source in service.volumes.values() if source.startswith(".")):
            original, copy = PROJECT / source, self._mounted(service, source)
            for file in original.rglob("*") if original.is_dir() else [original]:
                if file.is_file():
                    target = copy / file.relative_to(original)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    text = self.translate(service, file.read_text())
                    target.write_text(lapsed(text, service.time_lapse))

    def order(self, service: Service, extra: Mapping[str, str] | None = None, cold: bool = False) -> dict[str, Any]:
        """The guard's start order for this service; `extra` adds to its environment, `cold` forbids forking it."""
        command = service.local.get("command", service.command)
        if not command:
            raise ComposeError(f"{service.name} runs in a container only: lab up --docker {service.name}")
        self.configure(service)
        argv = [self.translate(service, word) for word in command]
        environment = {key: self.translate(service, value) for key, value in service.environment.items()}
        warm = None
        if argv[0] != "python":
            if not (program := find_program(argv[0]) or find_monitor(argv[0])):
                raise StartError(f"{service.name} needs {argv[0]}, which is not here; `lab doctor` says how to get it.")
            argv[0] = program
        else:
            argv[0] = sys.executable
            if argv[1] == "-m" and not cold:
                warm = "green" if argv[2] == WORKER_MODULE else "plain"
            if not argv[2].startswith("labs.infra."):
                environment["PYTHONPATH"] = str(self.code)
        return {
            "do": "start",
            "name": service.name,
            "argv": argv,
            "env": self.environment() | {"LOG_FILE": str(self.log(service.name))} | environment | dict(extra or {}),
            "cwd": str(started_in(argv[0]) or self.directory),
            "log": str(self.log(service.name)),
            "restart": service.restart,
            "grace": service.grace,
            "signal": service.stop_signal,
            "warm": warm,
            "rank": self.rank(service),
            "disposable": bool(service.local.get("disposable")),
            "facts": {
                "address": self.main_address(service.name),
                "addresses": {str(port): self.address(service.name, port) for port in service.ports},
                "group": service.group,
                "database": environment.get("DATABASE_URL", ""),
            },
        }

    def rank(self, service: Service) -> int:
        """0 for what depends on nothing, else one more than the highest that it depends on: they stop in reverse."""
        known = service.depends_on.keys() & self.services.keys()  # what is optional need not be there
        return max((self.rank(self.services[other]) + 1 for other in known), default=0)

    def environment(self) -> dict[str, str]:
        """What every process of the system gets."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return kept | {
            "LAB_HOME": str(home()),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",  # a cell run twice in a second must not find the first one's bytecode
            "EVENTLET_TESTS": "1",  # eventlet's own switch for its deprecation warning; the labs say it in words
            "NO_PROXY": HOST,
        }
