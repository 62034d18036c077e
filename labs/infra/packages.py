"""Installs the lock into a virtual environment: with uv, which takes seconds, else with pip, which takes a minute.
Both get their packages from wherever this machine's pip is told to. Only the standard library: it runs before
anything is installed."""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from labs.infra.debian import FetchError, can_fetch, fetch_debian

# What uv and pip say on the way that a person wants to hear.
_NEWS = re.compile(r"\s*(Resolved|Prepared|Downloading|Installed|Building|Bytecode|error|ERROR|hint|Caused by|×|╰|├)")
_AGAIN = "Check the connection (pip's settings on this machine are honoured), then do the same again."
Say = Callable[[str], None]


class InstallError(Exception):
    """The Python packages could not be installed; the message says what happened and what to do next."""


def make_environment(environment: Path) -> Path:
    """A virtual environment with this very Python, without pip (the lock brings it); returns its python."""
    python = environment / "bin" / "python"
    if not _same_version(python):
        shutil.rmtree(environment, ignore_errors=True)
        command = [sys.executable, "-m", "venv", "--without-pip", str(environment)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InstallError(f"No virtual environment could be made in {environment}:\n{_last(done)}")
    return python


def install(python: Path, project: Path, programs: Path, say: Say) -> None:
    """Makes the environment of `python` hold exactly the lock's versions and this project. Raises InstallError."""
    lock = project / "requirements.lock"
    pip = _pip(python, programs, say)
    settings = {**os.environ, **uv_settings(_pip_settings(pip), os.environ)}
    uv = _uv(python, pip, lock)
    if uv:
        # Bytecode too, as pip does: where nobody writes it later, every kernel would compile what it imports.
        settings.setdefault("UV_COMPILE_BYTECODE", "1")
        fast = [uv, "pip", "install", "--python", str(python)]
        if _told([*fast, "--require-hashes", "-r", str(lock)], settings, say):
            _run([*fast, "--offline", "--no-deps", "--no-build-isolation", "-e", str(project)], settings)
            return
        say("uv could not install the packages; pip does it now, which takes about a minute")
    else:
        say("uv is not to be had here; pip does it, which takes about a minute")
    if not _told([*pip, "install", "--progress-bar", "off", "--require-hashes", "-r", str(lock)], os.environ, say):
        raise InstallError("The Python packages could not be installed; the reason is above.\n" + _AGAIN)
    _run([*pip, "install", "--no-index", "--no-deps", "--no-build-isolation", "-e", str(project)], os.environ)


def uv_settings(pip: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """What tells uv what this machine tells pip; what is set for uv already stays."""
    told = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(pip.get("extra-index-url", "").split()),
        "UV_FIND_LINKS": ",".join(pip.get("find-links", "").split()),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": pip.get("timeout", pip.get("default-timeout", "")),
        "SSL_CERT_FILE": pip.get("cert", ""),
        "SSL_CLIENT_CERT": pip.get("client-cert", ""),
        "ALL_PROXY": pip.get("proxy", ""),
    }
    # pip takes the best of all indexes, uv by itself the first that has the name; the lock's hashes guard both.
    told["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in told.items() if value and name not in environment}


def _pip(python: Path, programs: Path, say: Say) -> list[str]:
    """The command that runs pip from its wheel: of this Python, of this system, or of Debian's archive."""
    bundled = Path(sysconfig.get_path("stdlib")) / "ensurepip" / "_bundled"
    system = Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or "/usr/share/python-wheels")
    fetched = programs / "pip"
    places = (bundled, system, fetched / "usr/share/python-wheels")
    wheel = _newest_wheel(places)
    if wheel is None and can_fetch():
        say("this Python comes without pip: fetching it from the system's archive")
        try:
            fetch_debian(["python3-pip-whl"], fetched, lambda _: None)
        except FetchError as error:
            raise InstallError(str(error)) from error
        wheel = _newest_wheel(places)
    if wheel is None:
        raise InstallError(
            f"{sys.executable} comes without pip. Install it, or take another Python: make setup PYTHON=..."
        )
    return [str(python), str(wheel / "pip")]


def _newest_wheel(places: tuple[Path, ...]) -> Path | None:
    for place in places:
        if found := sorted(place.glob("pip-*.whl")):
            return found[-1]
    return None


def _pip_settings(pip: list[str]) -> dict[str, str]:
    """What pip is told on this machine, by files and by the environment; the environment comes last and wins."""
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False).stdout
    found: dict[str, str] = {}
    for scope in ("global", "install", ":env:"):
        for name, value in re.findall(rf"^{scope}\.+([a-z-]+)=(.*)$", listed, re.MULTILINE):
            found[name] = str(ast.literal_eval(value))
    return found


def _uv(python: Path, pip: list[str], lock: Path) -> str | None:
    """uv of the environment, of this machine, or as the lock has it."""
    ours = python.with_name("uv")
    if not ours.exists() and (found := shutil.which("uv")):
        return found
    if not ours.exists():
        pinned = re.search(r"^uv==(?:.*\\\n)*.*\n", lock.read_text(), re.MULTILINE)
        if not pinned:
            return None
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as only_uv:
            only_uv.write(pinned[0])
            only_uv.flush()
            command = [*pip, "install", "-q", "--no-deps", "--require-hashes", "-r", only_uv.name]
            subprocess.run(command, check=False, capture_output=True)
    return str(ours) if ours.exists() else None


def _same_version(python: Path) -> bool:
    try:
        asked = [str(python), "-c", "import sys; print(sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == str(sys.version_info[:2])


def _told(command: list[str], environment: Mapping[str, str], say: Say) -> bool:
    """Runs it and passes its news on as they come."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(environment)
    ) as running:
        for line in running.stdout or ():
            if _NEWS.match(line):
                say(line.rstrip())
    return running.returncode == 0


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environment))
    if done.returncode:
        raise InstallError(f"The Python packages could not be installed:\n{_last(done)}\n{_AGAIN}")


def _last(done: "subprocess.CompletedProcess[str]") -> str:
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-5:])
