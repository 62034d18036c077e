"""Examines this machine: what the lab needs, what is here, and for what is missing the one command that gets it. Only
the standard library, so that it can explain why an installation failed."""

import importlib.metadata
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from labs.infra.debian import can_fetch, disk_words
from labs.infra.home import PROJECT, home
from labs.infra.monitors import MONITORS, find_monitor
from labs.infra.programs import find_postgres, find_program, find_rabbitmq

Answer = TypeVar("Answer")
_DISK_GB, _MEMORY_GB = 0.5, 1.0
_KEY_PACKAGES = ("jupyterlab", "nameko", "kombu", "flask", "sqlalchemy", "typer")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC_BROWSER = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


@dataclass(frozen=True)
class Need:
    """One thing that the lab needs or can use. `remedy` is one command, or empty when all is well or none helps."""

    name: str
    found: str
    ok: bool
    required: bool = True
    remedy: str = ""


def examine() -> list[Need]:
    """Everything that is needed, then what is merely good to have."""
    return [
        _python(),
        _program(
            "make",
            {"apt": "sudo apt-get install make", "brew": "xcode-select --install", "conda": "conda install make"},
        ),
        _packages(),
        _rabbitmq(),
        _writable(),
        _disk(),
        _memory(),
        _loopback(),
        _broker(),
        _envoy(),
        _postgres(),
        _monitors(),
        _docker(),
        _browser(),
    ]


def render(needs: list[Need]) -> str:
    """A table in plain text; what is missing has its command below it."""
    width = max(len(need.name) for need in needs)
    lines = []
    for need in needs:
        state = "ok" if need.ok else "MISSING" if need.required else "-"
        lines.append(f"{need.name:<{width}}  {state:<7}  {need.found}")
        if not need.ok and need.remedy:
            lines.append(f"{'':<{width}}           get it: {need.remedy}")
    missing = [need.name for need in needs if need.required and not need.ok]
    lines.append("")
    lines.append(f"Missing: {', '.join(missing)}." if missing else "Everything that the lab needs is here.")
    return "\n".join(lines)


def package_manager() -> str:
    """conda in an active environment, else brew, else apt, else nothing known."""
    if os.environ.get("CONDA_PREFIX") and shutil.which("conda"):
        return "conda"
    return next((name for name, tool in (("brew", "brew"), ("apt", "apt-get")) if shutil.which(tool)), "")


def _python() -> Need:
    version = ".".join(str(part) for part in sys.version_info[:3])
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    ways = {
        "conda": "conda install python=3.13",
        "brew": "brew install python@3.13",
        "apt": "sudo apt-get install python3.11",
    }
    return Need("Python 3.11 to 3.13", f"{version} at {sys.executable}", fits, remedy=ways.get(package_manager(), ""))


def _program(name: str, ways: dict[str, str]) -> Need:
    found = shutil.which(name)
    return Need(name, found or "not on PATH", bool(found), remedy=ways.get(package_manager(), ""))


def _packages() -> Need:
    name, remedy = "Python packages", "make setup"
    places = [str(place) for place in PROJECT.glob(".venv/lib/python3*/site-packages")]
    if not places:
        return Need(name, "no .venv yet", False, remedy=remedy)
    installed = {_plain(d.name): d.version for d in importlib.metadata.distributions(path=places) if d.name}
    locked = _locked((PROJECT / "requirements.lock").read_text())
    absent = [key for key in _KEY_PACKAGES if key not in installed]
    drifted = sorted(key for key, version in installed.items() if key in locked and version not in locked[key])
    if absent or drifted:
        words = [f"without {', '.join(absent)}"] if absent else []
        words += [f"not as in requirements.lock: {', '.join(drifted[:5])}"] if drifted else []
        return Need(name, "; ".join(words), False, remedy=remedy)
    return Need(name, f"{len(installed)} in .venv, as in requirements.lock", True)


def _locked(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, re.MULTILINE):
        found.setdefault(_plain(package), set()).add(version)
    return found


def _plain(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def _rabbitmq() -> Need:
    if found := _quietly(find_rabbitmq):
        return Need("RabbitMQ and Erlang", f"{found.version} in {found.scripts}", True)
    ways = {"conda": "conda install -c conda-forge rabbitmq-server", "brew": "brew install rabbitmq"}
    remedy = ways.get(package_manager()) or ("make setup   (fetches it, without root)" if can_fetch() else "")
    if not remedy:
        remedy = "lab up --docker" if shutil.which("docker") else "conda install -c conda-forge rabbitmq-server"
    return Need("RabbitMQ and Erlang", "not found", False, remedy=remedy)


def _envoy() -> Need:
    found = find_program("envoy")
    words = found or "not here; only systems with a gateway want it"
    return Need("Envoy, the gateway", words, bool(found), False, "" if found else "make setup")


def _postgres() -> Need:
    name = "PostgreSQL (optional)"
    if found := _quietly(find_postgres):
        return Need(name, f"{found.version} in {found.programs}", True, False)
    ways = {"conda": "conda install -c conda-forge postgresql", "brew": "brew install postgresql@17"}
    fetched = "lab up --postgres   (fetches it, without root)" if can_fetch() else ""
    return Need(
        name,
        "not here; only `lab up --postgres` and lab 14 want it",
        False,
        False,
        ways.get(package_manager()) or fetched,
    )


def _monitors() -> Need:
    name = "Prometheus, Alertmanager"
    missing = [program for program in MONITORS if not (_quietly(home) and find_monitor(program))]
    if not missing:
        return Need(name, str(find_monitor("prometheus")), True, False)
    words = f"without {', '.join(missing)}; only `lab up --profile metrics` and labs with metrics want it"
    fetched = "lab up --profile metrics   (fetches it, without root)" if can_fetch() else ""
    ways = {"brew": "brew install prometheus alertmanager"}
    return Need(name, words, False, False, ways.get(package_manager()) or fetched)


def _quietly(question: Callable[[], Answer]) -> Answer | None:
    """The answer, or None where there is no folder to look in: `_writable` reports that."""
    try:
        return question()
    except OSError:
        return None


def _writable() -> Need:
    name = "A folder to write in"
    try:
        with tempfile.NamedTemporaryFile(dir=home()):
            return Need(name, str(home()), True)
    except OSError as error:
        return Need(name, disk_words(error, PROJECT).splitlines()[0], False, remedy="LAB_HOME=/some/folder make lab")


def _disk() -> Need:
    free = shutil.disk_usage(_quietly(home) or PROJECT).free / 1e9
    return Need("Disk", f"{free:.1f} GB free, {_DISK_GB:g} GB needed", free >= _DISK_GB)


def _memory() -> Need:
    try:
        known = Path("/proc/meminfo").read_text()
        free = int(re.findall(r"^MemAvailable:\s+(\d+) kB", known, re.MULTILINE)[0]) * 1024 / 1e9
        kind = "available"
    except (OSError, IndexError):
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        kind = "in all"
    return Need("Memory", f"{free:.1f} GB {kind}, {_MEMORY_GB:g} GB needed", free >= _MEMORY_GB)


def _loopback() -> Need:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 2):
            return Need("Ports on 127.0.0.1", "can be opened and reached", True)
    except OSError as error:
        return Need("Ports on 127.0.0.1", f"cannot be used: {error.strerror or error}", False)


def _broker() -> Need:
    try:
        host, port = json.loads((home() / "broker.json").read_text())["amqp"].split(":")
        with socket.create_connection((host, int(port)), 1):
            return Need("Shared broker", f"runs on {host}:{port}", True, required=False)
    except (OSError, ValueError, KeyError):
        return Need("Shared broker", "not running; `make lab` starts it, a lab without it starts its own", False, False)


def _docker() -> Need:
    name = "Docker (optional)"
    if not shutil.which("docker"):
        return Need(name, "not here; only `lab up --docker` wants it", False, False)
    try:
        command = ["docker", "version", "--format", "{{.Server.Version}}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except subprocess.TimeoutExpired:
        return Need(name, "the engine does not answer", False, False)
    if done.returncode:
        return Need(name, "no engine answers; only `lab up --docker` wants it", False, False)
    return Need(name, f"engine {done.stdout.strip()}", True, False)


def _browser() -> Need:
    found = next(_found_browsers(), None)
    ways = {"apt": "sudo apt-get install chromium", "brew": "brew install --cask google-chrome"}
    words = found or "not here; only the tests of the pages want it"
    return Need("Chromium (optional)", words, bool(found), False, ways.get(package_manager(), ""))


def _found_browsers() -> Iterator[str]:
    yield from (path for path in map(shutil.which, _BROWSERS) if path)
    if _MAC_BROWSER.exists():
        yield str(_MAC_BROWSER)


def main() -> int:
    """Prints the list; 0 when nothing that is required is missing."""
    needs = examine()
    sys.stdout.write(render(needs) + "\n")
    return 0 if all(need.ok for need in needs if need.required) else 1


if __name__ == "__main__":
    sys.exit(main())
