"""Runs one private RabbitMQ node in the foreground, with an epmd of its own, until SIGTERM or SIGINT; everything it
writes is in one directory. A node that dies ends this program with exit code 1: restarting is the guard's
business."""

import argparse
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from labs.infra.programs import find_rabbitmq
from labs.infra.rabbitmq.recipe import Ports, prepare

__all__ = ["Ports", "main", "node_command"]

# Seconds that a stopping broker gets before it is killed: RabbitMQ 3.10 takes 7, later ones 2. One that has not opened
# its port yet owes nobody anything, and takes no notice of a polite request.
_PATIENCE, _PATIENCE_WHILE_BOOTING = 20.0, 1.0
_WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
_PR_SET_PDEATHSIG = 1


def node_command(directory: Path, ports: Ports) -> list[str]:
    """The command that runs a node in `directory`. It takes the first user's name and password from the environment:
    RABBITMQ_DEFAULT_USER, RABBITMQ_DEFAULT_PASS."""
    command = [sys.executable, "-m", "labs.infra.rabbitmq.node", "--directory", str(directory)]
    for name, port in vars(ports).items():
        command += [f"--{name}-port", str(port)]
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the node; returns 0 when it was asked to stop, 1 when it could not start or died."""
    parser = argparse.ArgumentParser(prog="labs.infra.rabbitmq.node", description=__doc__)
    parser.add_argument(
        "--directory", type=Path, required=True, help="where the node keeps everything; made if missing"
    )
    names = [each.name for each in fields(Ports)]
    for name in names:
        parser.add_argument(f"--{name}-port", type=int, required=True)
    chosen = parser.parse_args(arguments)
    rabbit = find_rabbitmq()
    if rabbit is None:
        return _failed("RabbitMQ is not here. `make setup` fetches it; `lab doctor` names the command for this system.")
    for name in ("RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS"):
        if not os.environ.get(name):
            return _failed(
                f"{name} is not set: the broker's first user has its name and password from the environment."
            )
    ports = Ports(**{name: getattr(chosen, f"{name}_port") for name in names})
    for name, port in vars(ports).items():
        if not _free(port):
            return _failed(f"Port {port} ({name}) on 127.0.0.1 is taken by another program; give the node another one.")
    try:
        command, environment = prepare(chosen.directory.resolve(), ports, rabbit)
    except OSError as error:
        return _failed(f"The broker cannot keep its files in {chosen.directory}: {error.strerror or error}.")
    return _supervise(command, environment, ports)


def _supervise(command: Sequence[str], environment: Mapping[str, str], ports: Ports) -> int:
    """Starts epmd, then the broker, and waits: for a signal, or for one of them to die."""
    signal.signal(signal.SIGCHLD, lambda *_: None)  # so that no system throws it away while it is blocked
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    epmd = _started(["epmd", "-port", str(ports.epmd), "-address", "127.0.0.1"], environment)
    try:
        if not _listens(ports.epmd, epmd):
            return _failed(f"Erlang's port mapper (epmd) did not come up on port {ports.epmd}.")
        broker = _started(command, environment)
        try:
            return _watched(broker, epmd)
        finally:
            _end(broker, _PATIENCE_WHILE_BOOTING if _free(ports.amqp) else _PATIENCE)
    finally:
        _end(epmd, _PATIENCE)


def _watched(broker: subprocess.Popen[bytes], epmd: subprocess.Popen[bytes]) -> int:
    while True:
        if broker.poll() is not None:
            return _failed(f"The broker ended by itself ({_how(broker.returncode)}); its last words are above.")
        if epmd.poll() is not None:
            return _failed(f"Erlang's port mapper (epmd) ended by itself ({_how(epmd.returncode)}).")
        if signal.sigwait(_WATCHED) != signal.SIGCHLD:
            return 0


def _started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A child in our process group that does not outlive us where the kernel can see to that (Linux), and that leaves
    Ctrl-C to us."""
    die_with_parent = _parent_death_signal()
    parent = os.getpid()

    def before_exec() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        die_with_parent()
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, cwd=environment["HOME"], preexec_fn=before_exec
    )


def _parent_death_signal() -> Callable[[], None]:
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(child: subprocess.Popen[bytes], patience: float) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _listens(port: int, epmd: subprocess.Popen[bytes]) -> bool:
    """Whether epmd answers to the question which nodes it knows."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and epmd.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as question:
                question.sendall(b"\x00\x01n")
                return len(question.recv(4)) == 4
        except OSError:
            time.sleep(0.01)
    return False


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _how(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _failed(words: str) -> int:
    sys.stderr.write(words + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
