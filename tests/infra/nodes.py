"""Real RabbitMQ nodes for tests, and a look at what is left of them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import kombu
import psutil
import requests

from labs.infra.ports import Ports as Claims
from labs.infra.rabbitmq.node import Ports, node_command

ADMIN, PASSWORD = "admin", "a password of the test"


def eventually(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Polls until it holds, or fails with `what`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


@dataclass
class Node:
    """A node under test: its process, ports, directory and what it said."""

    process: subprocess.Popen[bytes]
    ports: Ports
    directory: Path
    log: Path

    def ready(self) -> bool:
        """Whether it speaks AMQP. Fails at once when the process has ended."""
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            with socket.create_connection(("127.0.0.1", self.ports.amqp), 1) as client:
                client.settimeout(5)
                client.sendall(b"AMQP\0\0\x09\x01")
                return client.recv(1) == b"\x01"
        except OSError:
            return False

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.ports.http}"

    def ask(self, path: str) -> requests.Response:
        return requests.get(f"{self.api}/api/{path}", auth=(ADMIN, PASSWORD), timeout=10)

    def connect(self, user: str = ADMIN, password: str = PASSWORD, vhost: str = "/") -> kombu.Connection:
        return kombu.Connection("127.0.0.1", user, password, vhost, port=self.ports.amqp, connect_timeout=5)

    def family(self) -> list[psutil.Process]:
        """The node's own process and all that came from it."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def beam(self) -> psutil.Process:
        return next(process for process in self.family() if process.name().startswith("beam"))


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them runs any more; a dead one that nobody has waited for yet is gone."""
    return not any(map(_runs, processes))


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # between the two questions
        return False


def start(directory: Path, ports: Ports | None = None) -> Node:
    """Starts a node; it is not ready yet."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    log = directory.with_suffix(".log")
    ports = ports or free_ports()
    environment = {**os.environ, "RABBITMQ_DEFAULT_USER": ADMIN, "RABBITMQ_DEFAULT_PASS": PASSWORD}
    with log.open("ab") as output:
        process = subprocess.Popen(node_command(directory, ports), env=environment, stdout=output, stderr=output)
    return Node(process, ports, directory, log)


@contextmanager
def running(directory: Path) -> Iterator[Node]:
    """A node that is ready; killed at the end, since a test of stopping stops it itself."""
    node = start(directory)
    try:
        eventually(node.ready, 60, "the broker speaks AMQP")
        yield node
    finally:
        kill(node)


def kill(node: Node) -> None:
    """Ends all of the node at once."""
    family = node.family() if node.process.poll() is None else []
    for process in reversed(family):
        if process.is_running():
            process.kill()
    node.process.wait()


CLAIMS = Claims()
"""Of this process: another one that runs tests beside it takes other ports."""


def free_ports() -> Ports:
    """Ports that nobody has or will take."""
    return Ports(*(CLAIMS.claim() for _ in fields(Ports)))


def run_module(name: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`python -m name`, its output as text."""
    command = [sys.executable, "-m", name, *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120
    )
