"""Where a learner's code becomes part of the running system: `%%service order/worker.py` puts the cell in place of that file in
this lab's copy of the code, and restarts what runs it."""

import difflib
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from labs.classroom.attempts import Attempt, not_attempted, syntax_error
from labs.classroom.cards import card
from labs.classroom.rules import RuleBook, is_rule
from labs.classroom.slips import Slip
from labs.infra.home import PROJECT
from labs.infra.start_error import StartError
from labs.infra.system import System

SHIPPED = {path.name for path in (PROJECT / "labs/services").iterdir() if path.is_dir()}
"""The folders of the services that the shop has from the start."""
OUTSIDE_THE_SHOP = ("customers", "cuts", "tests")
"""Folders of files that no service runs, but the lab itself."""
PROCESSES = {"worker.py": "{}-worker", "main.py": "{}", "api.py": "{}-api"}
"""The files of a service of a learner's own that run, and how their processes are called."""
SHOWN_LINES = 14
ONE_OF_SEVERAL = re.compile(r".*_\d+\.py")
"""How a file is called of which a setting says which version counts, such as parcel_2.py."""
READY_WITHIN = 15.0
"""Seconds that a cell's code has to become ready; it takes one or two."""


class Workshop:
    """The files of one system that a learner has replaced."""

    def __init__(self, system: System, reference: Callable[[str], str | None]) -> None:
        self._system, self._reference = system, reference
        self.attempts: dict[str, Attempt] = {}
        self.rules = RuleBook(system, reference)

    def replace(self, path: str, source: str) -> Attempt:
        """Put `source` in place of labs/services/`path`. A cell that is not attempted, does not compile, does not start or is
        interrupted leaves the file as it last worked. Raises Slip for a path that no service has."""
        if is_rule(path):
            attempt = self.attempts[path] = self.rules.replace(path, source)
            return attempt
        target = self._target(path)
        before = target.read_text() if target.exists() else None
        if line := not_attempted(source):
            attempt = self._try(target, reference, before) if (reference := self._reference(path)) else Attempt()
            attempt = Attempt("open", f"line {line}") if attempt.status != "broken" else attempt
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
        folder = self._system.places.sources / service
        return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.py"))}

    def _try(self, target: Path, source: str, before: str | None) -> Attempt:
        try:
            restarted = self._put(target, source)
        except StartError as error:
            trouble = what_matters(str(error))
        except KeyboardInterrupt:
            trouble = "You interrupted it before it was ready."
        else:
            return Attempt("running" if restarted else "stored")
        return Attempt("broken", trouble + self._restore(target, before))

    def _restore(self, target: Path, before: str | None) -> str:
        """Back to the code that worked, or to the reference if even that does not start any more; empty, or what is wrong."""
        path = str(target.relative_to(self._system.places.sources))
        for source in (before, self._reference(path)):
            if source is None:
                target.unlink(missing_ok=True)
                return ""
            try:
                self._put(target, source)
            except StartError as error:
                wrong = what_matters(str(error))
            else:
                return ""
        return f"\nNor does the reference start any more:\n{wrong}"

    def _put(self, target: Path, source: str) -> list[str]:
        """Write the file and restart the processes that run it, or should; returns their names."""
        service = self._service(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source)
        (target.parent / "__init__.py").touch()
        if target.name in PROCESSES and service not in SHIPPED:
            process = PROCESSES[target.name].format(service)
            if process not in self._system.services:
                self._join(target, service)
            if not self._system.state(process):
                return self._system.up(f"{service}-service", timeout=READY_WITHIN)
        running = self._running(target)
        self._system.restart(*running, timeout=READY_WITHIN)
        return running

    def _join(self, target: Path, service: str) -> None:
        """Make a process of a learner's own service part of the system; the file that runs says what it is made of."""
        if not self._system.broker:
            raise Slip(f"{service} needs a running system to join: run the cell with `lab.up(…)` first.")
        if target.name == "worker.py":
            self._system.add_consumer(service)
            self._system.provision()
        elif target.name == "api.py":
            self._system.add_api(service, tables=(target.parent / "migrations").is_dir())
        else:
            self._system.add_program(service)

    def _running(self, target: Path) -> list[str]:
        """The processes that load this file: those of its module if it is an entry point, else all of its service. None load
        a migration: it runs when somebody runs it; nor a version: it counts once somebody deploys it."""
        if target.parent.name == "migrations" or ONE_OF_SEVERAL.fullmatch(target.name):
            return []
        service = self._service(target)
        alone = {name: f"labs.services.{service}.{name[:-3]}" for name in PROCESSES}
        needle = alone.get(target.name, "" if service == "chassis" else f"labs.services.{service}.")
        return [
            name
            for name, described in self._system.services.items()
            if self._system.should_run(name) and described.restart != "no" and needle in " ".join(described.command)
        ]

    def _service(self, target: Path) -> str:
        return target.relative_to(self._system.places.sources).parts[0]

    def _target(self, path: str) -> Path:
        parts = PurePosixPath(path).parts
        if len(parts) < 2 or ".." in parts or not path.endswith(".py") or path.startswith("/"):
            raise Slip(f"%%service takes a file of a service, such as order/worker.py, not {path!r}.")
        target = self._system.places.sources / path
        if parts[0] in SHIPPED and not target.exists() and "migrations" not in parts and not self._reference(path):
            known = sorted(self.code(parts[0]))
            close = difflib.get_close_matches("/".join(parts[1:]), known, 1)
            meant = f" Did you mean {parts[0]}/{close[0]}?" if close else ""
            raise Slip(f"{parts[0]} has no file {'/'.join(parts[1:])}.{meant} It has: {', '.join(known)}.")
        return target


def tell(path: str, attempt: Attempt, reference: bool) -> None:
    """Say what became of a cell."""
    if attempt.status == "open":
        steps_in = "The reference solution runs in its place." if reference else "Nothing runs in its place."
        words = f"There is still a `...` in {attempt.trouble}: write your code instead, run the cell again. {steps_in}"
        card("open", f"{path} is not attempted yet", words)
    elif attempt.status == "broken":
        card("failed", f"{path} does not start", "The service runs on with the code it had before.", attempt.trouble)
    elif attempt.status == "stored":
        outside = PurePosixPath(path).parts[0] in OUTSIDE_THE_SHOP
        nobody = "Nothing runs it now; it counts from the next start of its service."
        when = "No service runs it; the lab takes it from now on." if outside else nobody
        card("note", f"{path} is in place", when)
    else:
        card("passed", f"{path} runs", "What runs it was restarted with your code and is ready.")


def what_matters(text: str) -> str:
    """Of a start error: what happened, and the traceback through the shop's own code, with paths as the learner knows them;
    without a traceback, the last lines that are not log entries."""
    first, _, *rest = text.splitlines()
    said = [re.sub(r'File ".*/labs/services/', 'File "', line[2:]) for line in rest if "<frozen " not in line]
    strangers = ("/", "<", "chassis/")
    frames = [i for i, line in enumerate(said) if line.startswith('  File "') and not line[8:].startswith(strangers)]
    if frames:
        end = next((i for i in range(frames[0], len(said)) if not said[i].startswith(" ")), len(said) - 1)
        return "\n".join([first, *said[frames[0] : end + 1][-SHOWN_LINES:]])
    plain = [line for line in said if line and not line.startswith(("{", "  ", "Traceback", "["))]
    if not plain and "not ready within" in first:
        return (
            f"{first.partition(':')[0]}, and printed nothing. Does your file ever come to an end when it is imported?"
        )
    return "\n".join([first, *plain[-3:]])


def lines_changed(before: dict[str, str], after: dict[str, str]) -> int:
    """How many lines were added or removed between two states of some files."""
    changed = 0
    for name in before.keys() | after.keys():
        difference = difflib.ndiff(before.get(name, "").splitlines(), after.get(name, "").splitlines())
        changed += sum(line[0] in "+-" for line in difference)
    return changed
