"""OpenAPI of one service, from its create_app on an empty database: `python -m labs.infra.contracts.openapi MODULE FILE`. In a
process of its own, with no environment to speak of, since an app may start what it needs, and ends with the process."""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module, util
from pathlib import Path
from typing import Any

from labs.infra.home import PROJECT
from labs.infra.ports import HOST, Ports
from labs.services.chassis.auth import StaticKeys
from labs.services.chassis.migrate import migrate

PATIENCE = 120
"""Seconds for one description; it takes about one."""
STAND_IN = "stands-in-for-what-a-running-service-is-told"
"""For settings that a service cannot start without: passwords, addresses. None of them gets into a description."""


class CannotDescribe(Exception):
    """The app does not start; the message says why."""


def describe(module: str) -> dict[str, Any]:
    """What the service whose create_app is in `module` would answer at /openapi.json. Raises CannotDescribe."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "openapi.json"
        done = subprocess.run(
            [sys.executable, "-m", __name__, module, str(file)],
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode != 0:
            raise CannotDescribe(f"{module} cannot be described; it says:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
        document: dict[str, Any] = json.loads(file.read_text())
        return document


def _here(module: str, folder: Path) -> dict[str, Any]:
    create_app = import_module(module).create_app
    parameters = inspect.signature(create_app, eval_str=True).parameters
    kind = parameters["settings"].annotation.__args__[0]
    url = f"sqlite:///{folder / 'empty.db'}"
    _migrate(module.split(".")[2], url)
    told = {name: STAND_IN for name, field in kind.model_fields.items() if field.is_required()}
    told |= {name: f"{HOST}:{Ports().claim()}" for name in told if name in ("smtp_bind", "smtp_server")}
    settings = kind(**told | {"database_url": url, "log_level": "ERROR"})
    arguments = {"keys": StaticKeys({"keys": []})} if "keys" in parameters else {}
    spec: dict[str, Any] = create_app(settings, **arguments).spec
    return spec


def _migrate(package: str, url: str) -> None:
    """The monolith, which is made of others, has a way of its own."""
    own = f"labs.services.{package}.migrate"
    if util.find_spec(own):
        import_module(own).migrate_all(url)
    else:
        migrate(package, url)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        Path(sys.argv[2]).write_text(json.dumps(_here(sys.argv[1], Path(scratch))))
    os._exit(0)  # without waiting for threads that the app has started
