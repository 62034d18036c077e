"""Where a learner's code becomes part of the running system: `%%service order/worker.py` puts the cell in place of that file in
this lab's copy of the code, and restarts what runs it."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labs.classroom.attempts import not_attempted, syntax_error
from labs.classroom.cards import card
from labs.infra.start_error import StartError
from labs.infra.system import System

SHOWN_LINES = 14
READY_WITHIN = 20.0
"""Seconds that a cell's code has to become ready; it takes one or two."""


@dataclass
class Attempt:
    """What became of the last cell for a file: `status` is open (not attempted), running, stored (nothing runs it yet) or
    broken."""

    status: str = "open"
    trouble: str = ""


class Workshop:
    """The files of one system that a learner has replaced."""

    def __init__(self, system: System, reference: Callable[[str], str | None]) -> None:
        self._system, self._reference = system, reference
        self.attempts: dict[str, Attempt] = {}

    def replace(self, path: str, source: str) -> Attempt:
        """Put `source` in place of labs/services/`path`. A cell that is not attempted, does not compile or does not start
        leaves the file as it last worked. Raises ValueError for a path outside the services."""
        target = self._target(path)
        before = target.read_text() if target.exists() else None
        if not_attempted(source):
            attempt = Attempt("open")
            self._put(target, self._reference(path))
        elif trouble := syntax_error(source, path):
            attempt = Attempt("broken", trouble)
        else:
            attempt = self._try(target, source, before)
        self.attempts[path] = attempt
        return attempt

    def attempt(self, path: str) -> Attempt:
        """The last attempt at a file; open if there was none."""
        return self.attempts.get(path, Attempt())

    def code(self, service: str) -> dict[str, str]:
        """The source files of a service as they are now, by name."""
        folder = self._system.places.code / "labs/services" / service
        return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.py"))}

    def _try(self, target: Path, source: str, before: str | None) -> Attempt:
        running = self._running(target)
        try:
            restarted = self._put(target, source)
        except StartError as error:
            if before is None:
                target.unlink()
            else:
                target.write_text(before)
                self._system.restart(*running, timeout=READY_WITHIN)
            return Attempt("broken", _what_matters(str(error)))
        return Attempt("running" if restarted else "stored")

    def _put(self, target: Path, source: str | None) -> list[str]:
        """Write the file and restart the processes that run it; returns their names. None means that there is no such file."""
        if source is None:
            return []
        new = not target.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source)
        (target.parent / "__init__.py").touch()
        if target.name == "worker.py" and new:
            service = self._service(target)
            self._system.add_consumer(service)
            self._system.provision()
            return self._system.up(f"{service}-service", timeout=READY_WITHIN)
        running = self._running(target)
        self._system.restart(*running, timeout=READY_WITHIN)
        return running

    def _running(self, target: Path) -> list[str]:
        """The processes that have this file loaded: those of its module if it is an entry point, else all of its service."""
        service = self._service(target)
        alone = {"worker.py": f"labs.services.{service}.worker", "api.py": f"labs.services.{service}.api"}
        needle = alone.get(target.name, "" if service == "chassis" else f"labs.services.{service}.")
        return [
            name
            for name, described in self._system.services.items()
            if self._system.state(name) not in ("", "stopped") and needle in " ".join(described.command)
        ]

    def _service(self, target: Path) -> str:
        return target.relative_to(self._system.places.code / "labs/services").parts[0]

    def _target(self, path: str) -> Path:
        parts = PurePosixPath(path).parts
        if len(parts) < 2 or ".." in parts or not path.endswith(".py") or path.startswith("/"):
            raise ValueError(f"%%service takes a file of a service, such as order/worker.py, not {path!r}")
        return self._system.places.code / "labs/services" / path


def tell(path: str, attempt: Attempt, reference: bool) -> None:
    """Say what became of a cell."""
    if attempt.status == "open":
        steps_in = "The reference solution runs in its place." if reference else "Nothing runs in its place."
        card("open", f"{path} is not attempted yet", f"Replace the `...` and run the cell again. {steps_in}")
    elif attempt.status == "broken":
        card("failed", f"{path} does not start", "The service runs on with the code it had before.", attempt.trouble)
    elif attempt.status == "stored":
        card("note", f"{path} is in place", "Nothing runs it yet; it counts from the next start of its service.")
    else:
        card("passed", f"{path} runs", "What runs it was restarted with your code and is ready.")


def _what_matters(text: str) -> str:
    """The end of a start error: the frames in the shop's own code, with paths as the learner knows them."""
    first, _, *said = text.splitlines()
    own = [re.sub(r'File ".*/labs/services/', 'File "', line) for line in said if "<frozen " not in line]
    from_own_code = next((i for i, line in enumerate(own) if 'File "' in line and "chassis/worker.py" not in line), 0)
    return "\n".join([first, *own[from_own_code:][-SHOWN_LINES:]])


def lines_changed(before: dict[str, str], after: dict[str, str]) -> int:
    """How many lines were added or removed between two states of some files."""
    changed = 0
    for name in before.keys() | after.keys():
        difference = difflib.ndiff(before.get(name, "").splitlines(), after.get(name, "").splitlines())
        changed += sum(line[0] in "+-" for line in difference)
    return changed
