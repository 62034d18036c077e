"""The system in containers: what `lab up --docker` does, with Docker Compose and the same docker-compose.yml."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from labs.infra import collecting, compose
from labs.infra.faults import laying
from labs.infra.faults.named import WIRE
from labs.infra.home import PROJECT, home
from labs.infra.ports import Ports
from labs.infra.start_error import StartError
from labs.infra.system import COMPOSE_FILE, POSTGRES, Databases
from labs.infra.variables import Variables

INSTEAD = "Without --docker the same system runs as plain processes: lab up"
SECRETS = "docker.env"
STATE = "{{.Service}}\t{{.State}}\t{{.ExitCode}}\t{{.Health}}"


class NoDocker(StartError):
    """Containers cannot run on this machine as it is; the message says why and what to do next."""


def check() -> None:
    """Raises NoDocker unless there is a Docker engine that answers and Compose v2."""
    if not shutil.which("docker"):
        remedy = "brew install --cask docker" if sys.platform == "darwin" else "sudo apt-get install docker.io"
        raise NoDocker(f"Docker is not installed. Get it: {remedy}\n{INSTEAD}")
    if wrong := _complaint("version", "--format", "{{.Server.Version}}"):
        remedy = "open -a Docker" if sys.platform == "darwin" else "sudo systemctl start docker"
        raise NoDocker(f"No Docker engine answers: {wrong}\nStart it: {remedy}\n{INSTEAD}")
    if _complaint("compose", "version"):
        remedy = "brew install docker-compose" if sys.platform == "darwin" else "sudo apt-get install docker-compose-v2"
        raise NoDocker(f"This Docker has no Compose v2 (`docker compose`). Get it: {remedy}\n{INSTEAD}")


class Containers:
    """The system in containers; one for each home, so that two checkouts or users never meet."""

    def __init__(self, *, databases: Databases = "sqlite", profiles: Collection[str] = ()) -> None:
        postgresql = databases == "postgresql"
        self.profiles = {*profiles, *([POSTGRES] if postgresql else [])}
        self.project = f"shop-{hashlib.sha256(str(home()).encode()).hexdigest()[:8]}"
        self._secrets = home() / SECRETS
        self._ports = Ports()
        self._addresses: dict[tuple[str, int], str] = {}
        self.variables = Variables(postgresql=postgresql, **_read(self._secrets))
        self.services = compose.read(COMPOSE_FILE, self.variables)
        _write(self._secrets, self.variables.secrets())
        wanted = set(re.findall(r"\$\{(PORT_\w+)[^}]*\}:\d+(/udp)?", COMPOSE_FILE.read_text()))
        # Docker would give a free port anew at every restart of a container; claimed here, an address stays.
        ports = {n: str(self._ports.claim(udp=bool(udp))) for n, udp in sorted(wanted) if n not in os.environ}
        self._environment = {**os.environ, **ports, **self.variables.databases()}

    def up(self, *names: str) -> None:
        """Build the image, start these services or groups and all they depend on, wait until each is well; no names: all.
        Raises ComposeError, StartError."""
        chosen = self.select(*names)
        if collecting.TRACING in chosen:
            self._environment |= collecting.variables()
        if WIRE in chosen:
            self._environment |= laying.variables()
        ours = [name for name in chosen if self.services[name].command[:1] == ("python",)]
        if ours and self.compose("build", ours[0]).returncode:  # it is one image for all
            raise StartError("The image could not be built; Docker says why above.")
        if self.compose("up", "--no-build", "--wait", "--detach", *chosen).returncode:
            raise StartError(self._last_words())

    def select(self, *names: str) -> list[str]:
        """The services that these names mean, with all they depend on, in the order of the file. Raises ComposeError."""
        return compose.select(self.services, *names, profiles=self.profiles)

    def address(self, name: str, port: int | None = None) -> str:
        """host:port of a service, "" if none is published; a group's name means its API."""
        if name not in self.services:
            name = f"{name.removesuffix('-service')}-api"
        ports = [port] if port else self.services[name].ports
        if ports and (name, ports[0]) not in self._addresses:
            packets = ["--protocol", "udp"] if ports[0] in self.services[name].udp else []
            published = self.output("port", *packets, name, str(ports[0])).strip()
            if not published or published.endswith(":0"):
                return ""
            self._addresses[name, ports[0]] = published
        return self._addresses[name, ports[0]] if ports else ""

    def time_lapse(self, _name: str) -> float:
        """By how much the times in the files that a service reads are divided: in containers they are as they stand there."""
        return 1.0

    def state(self) -> dict[str, str]:
        """Of every container by service: running, restarting, done, failed …"""
        states = {}
        for name, state, code, health in (
            line.split("\t") for line in self.output("ps", "--all", "--format", STATE).splitlines()
        ):
            ended = {"exited": "done" if code == "0" else "failed"}.get(state, state)
            states[name] = "failed" if health == "unhealthy" else ended
        return states

    def log(self, name: str) -> str:
        """What a service said."""
        return self.output("logs", "--no-log-prefix", "--no-color", name)

    def down(self, *, volumes: bool = False) -> None:
        """Remove the containers; with `volumes` the data too. Raises StartError."""
        if self.compose("down", *(["--volumes"] if volumes else [])).returncode:
            raise StartError("The containers could not be removed; Docker says why above.")

    def compose(self, *arguments: str, **settings: Any) -> "subprocess.CompletedProcess[str]":
        """`docker compose` for this system; what it says goes to the terminal unless `settings` say otherwise."""
        return subprocess.run(self._command(*arguments), env=self._environment, text=True, check=False, **settings)

    def output(self, *arguments: str) -> str:
        """What `docker compose` prints; empty if it fails."""
        return self.compose(*arguments, capture_output=True).stdout

    def follow(self) -> None:
        """Show the logs until every container has ended."""
        self.compose("logs", "--follow", "--tail", "0")

    def _command(self, *arguments: str) -> list[str]:
        files = ["--project-directory", str(PROJECT), "--file", str(COMPOSE_FILE), "--env-file", str(self._secrets)]
        # What is started must be chosen; what is looked at or removed may have been started with other profiles than ours.
        profiles = self.profiles if arguments[0] in ("up", "config") else {"*"}
        chosen = [word for profile in sorted(profiles) for word in ("--profile", profile)]
        return ["docker", "compose", "--project-name", self.project, *files, *chosen, *arguments]

    def _last_words(self, lines: int = 12) -> str:
        said = []
        for name in (name for name, state in self.state().items() if state == "failed"):
            last = self.output("logs", "--no-log-prefix", "--no-color", "--tail", str(lines), name).splitlines()
            said.append(f"{name} did not come up. Its last lines:\n" + "\n".join(f"  {line}" for line in last))
        return "\n".join(said) or "The system did not come up; Docker says why above."


def up(names: list[str], databases: Databases = "sqlite", profiles: Collection[str] = ()) -> int:
    """`lab up --docker`: in the foreground until Ctrl-C, then the containers go and the data stays. Returns the exit code.
    Raises NoDocker, ComposeError, StartError."""
    check()
    containers = Containers(databases=databases, profiles=profiles)
    containers.select(*names)  # a wrong name is said before anything starts
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        containers.up(*names)
        Console().print(_table(containers))
        containers.follow()
    except KeyboardInterrupt:
        pass
    finally:
        containers.down()
    return 0


def running() -> Containers | None:
    """The containers of this home, if it has any and an engine answers."""
    if not (home() / SECRETS).exists() or _complaint("version") or not (containers := Containers()).state():
        return None
    return containers


def end() -> bool:
    """Remove containers that a killed `lab up --docker` left; False if there are none, or no engine. Raises StartError."""
    if not (containers := running()):
        return False
    containers.down()
    return True


def forget() -> None:
    """Remove containers and their data, if this home ever had any. Raises NoDocker, StartError."""
    if (secrets := home() / SECRETS).exists():
        try:
            check()
        except NoDocker as error:
            raise NoDocker(
                f"{error}\nThe data of its containers stay until then; to leave them, delete {secrets}"
            ) from None
        Containers().down(volumes=True)


def _table(containers: Containers) -> Table:
    table = Table(title=containers.project, title_justify="left", box=None, header_style="bold")
    for column in ("service", "state", "address"):
        table.add_column(column)
    states = containers.state()
    for name in (name for name in containers.services if name in states):
        table.add_row(name, states[name], containers.address(name) if states[name] == "running" else "")
    return table


def _complaint(*arguments: str) -> str:
    """What `docker …` says against it; empty if it goes well."""
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")


def _read(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _write(path: Path, values: dict[str, str]) -> None:
    """Readable by the owner alone. It is kept: the broker's data remember the passwords of its first start."""
    new = path.with_suffix(f".{os.getpid()}")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text("".join(f"{name}={value}\n" for name, value in sorted(values.items())))
    new.replace(path)
