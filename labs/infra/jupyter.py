"""`lab start`: JupyterLab with a broker beside it, under a guard, so that nothing is left when it ends."""

import json
import os
import secrets
import signal
import sys
import threading
import time
import webbrowser
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary
from rich.console import Console

from labs.infra import directories, shared_broker
from labs.infra.home import PROJECT, home
from labs.infra.system import System
from labs.services.chassis.probe import probe

START_PAGE = "notebooks/00_start_here.ipynb"
READY_WITHIN = 60.0
QUIET = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    }
}
console = Console(highlight=False)


def run(browser: bool) -> int:
    """Until Ctrl-C or SIGTERM; the exit code for the shell."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    _quieten()
    _trust()
    begun = time.monotonic()
    console.print("Starting RabbitMQ ...")
    with shared_broker.running(home()):
        console.print(f"RabbitMQ answers ({time.monotonic() - begun:.1f} s). Starting JupyterLab ...")
        system = System("jupyterlab")
        try:
            return _serve(system, stop, browser)
        finally:
            console.print("Ending JupyterLab, its kernels and the broker ...")
            system.down()
            _wait_for_notebooks()


def _serve(system: System, stop: threading.Event, browser: bool) -> int:
    token, port = secrets.token_urlsafe(24), system.places.claim()
    arguments = [
        f"--ServerApp.root_dir={PROJECT}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.open_browser=False",
        "--LabApp.expose_app_in_browser=True",
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]
    system.run(
        "jupyterlab",
        [sys.executable, "-m", "jupyterlab", *arguments],
        {
            "JUPYTER_TOKEN": token,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        },
    )
    address = f"http://127.0.0.1:{port}"
    begun = time.monotonic()
    while probe(f"{address}/api"):
        if system.state("jupyterlab") == "stopped" or time.monotonic() - begun > READY_WITHIN:
            console.print(
                f"JupyterLab did not start. Its last words:\n{_last_words(system.log('jupyterlab'))}", markup=False
            )
            return 1
        if stop.wait(0.1):
            return 0
    url = f"{address}/lab/tree/{START_PAGE}?token={token}"
    console.print(f"JupyterLab is ready ({time.monotonic() - begun:.1f} s). Open\n\n  [bold]{url}[/]\n", soft_wrap=True)
    console.print("Ctrl-C ends JupyterLab, the broker and everything that the notebooks started.")
    if browser:
        webbrowser.open(url)
    while not stop.wait(0.5):
        if system.state("jupyterlab") == "stopped":
            console.print(f"JupyterLab ended. Its last words:\n{_last_words(system.log('jupyterlab'))}", markup=False)
            return 1
    return 0


def _wait_for_notebooks(within: float = 8.0) -> None:
    """The systems of the notebooks end with their kernels, and need the broker until they have taken leave of it."""
    deadline = time.monotonic() + within
    while len(directories.running()) > 1 and time.monotonic() < deadline:  # the broker's own is the last
        time.sleep(0.1)


def _quieten() -> None:
    """No news, no update checks: the labs ask nobody outside. What a learner sets by hand wins."""
    overrides = Path(sys.prefix) / "share/jupyter/lab/settings/overrides.json"
    if not overrides.exists():
        overrides.parent.mkdir(parents=True, exist_ok=True)
        overrides.write_text(json.dumps(QUIET, indent=2) + "\n")


def _trust() -> None:
    """Sign the outputs that come with the labs; JupyterLab shows untrusted HTML without its style."""
    notary = NotebookNotary()
    for path in [*(PROJECT / "notebooks").glob("*.ipynb"), *(PROJECT / "solutions").glob("*.ipynb")]:
        notebook = nbformat.read(path, as_version=4)
        if not notary.check_signature(notebook):
            notary.sign(notebook)


def _last_words(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
