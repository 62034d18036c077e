"""Where a learner's rules become part of the running system: `%%service prometheus/rules/mine.yml` puts the cell in place of
that file in this lab's copy of Prometheus' rules, has promtool look at it, and Prometheus read it. What lies in
prometheus/tests are unit tests of rules."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from labs.classroom.attempts import Attempt
from labs.classroom.cards import card
from labs.classroom.metrics import Monitor
from labs.classroom.slips import Slip
from labs.infra.monitors import fetch_monitors, find_monitor
from labs.infra.prometheus.targets import CONFIG
from labs.infra.prometheus.time_lapse import lapsed
from labs.infra.system import PROMETHEUS, System

HOME = "prometheus"
NAMES = re.compile(r"prometheus/(rules|tests)/[a-z0-9_]+\.yml")
INSIDE = "/etc/prometheus/rules"
_STUB = re.compile(r"^[ \t]*(-[ \t]*|[\w-]+:[ \t]*)?\.\.\.[ \t]*$", re.MULTILINE)


def is_rule(path: str) -> bool:
    """Whether it is of Prometheus, and not of a service of the shop."""
    return PurePosixPath(path).parts[:1] == (HOME,)


class RuleBook:
    """The rules of one system. As written, with production's times, they lie in `folder`, where promtool tests them; Prometheus
    gets them with the times of this system."""

    def __init__(self, system: System, reference: Callable[[str], str | None]) -> None:
        self._system, self._reference, self._monitor = system, reference, Monitor(system)
        self.folder = system.directory / "code" / HOME

    def replace(self, path: str, source: str) -> Attempt:
        """Put `source` in place of `path`; with a `...` in it the reference, if there is one. What promtool refuses leaves the
        file as it was. Raises Slip for a path that is none of rules."""
        if not NAMES.fullmatch(path):
            names = "Rules are files like prometheus/rules/checkout.yml, their tests like prometheus/tests/checkout.yml"
            raise Slip(f"{names}, not {path!r}.")
        if stub := _STUB.search(source):
            reference = self._reference(path)
            attempt = self._put(path, reference) if reference else Attempt()
            line = source.count("\n", 0, stub.start()) + 1
            return Attempt("open", f"line {line}") if attempt.status != "broken" else attempt
        return self._put(path, source)

    def file(self, path: str) -> Path:
        """Where it lies, with production's times."""
        self._lay_out()
        return self.folder / PurePosixPath(path).relative_to(HOME)

    def tested(self, test: Path) -> str:
        """What promtool says against a file of unit tests; empty if they pass."""
        done = promtool("test", "rules", str(test))
        return "" if done.returncode == 0 else said(done, self.folder)

    def _put(self, path: str, source: str) -> Attempt:
        target = self.file(path)
        before = target.read_text() if target.exists() else None
        target.write_text(source)
        if "/tests/" in path:
            wrong = self.tested(target)
            return Attempt("stored", wrong)
        done = promtool("check", "rules", str(target))
        if done.returncode:
            target.unlink() if before is None else target.write_text(before)
            return Attempt("broken", said(done, self.folder))
        return self._load(target)

    def _load(self, target: Path) -> Attempt:
        if self._system.state(PROMETHEUS) != "running":
            return Attempt("stored")
        folder = Path(self._system.places.translate(self._system.services[PROMETHEUS], INSIDE))
        (folder / target.name).write_text(lapsed(target.read_text(), self._monitor.lapse))
        self._monitor.reload()
        return Attempt("running")

    def _lay_out(self) -> None:
        if not self.folder.exists():
            shutil.copytree(CONFIG / "rules", self.folder / "rules")
            (self.folder / "tests").mkdir()


def tell(path: str, attempt: Attempt) -> None:
    """Say what became of a cell."""
    is_test = "/tests/" in path
    if attempt.status == "open":
        words = f"There is still a `...` in {attempt.trouble}: write yours instead, run the cell again."
        card("open", f"{path} is not attempted yet", f"{words} The reference solution is in its place.")
    elif attempt.status == "broken":
        card("failed", f"{path} is refused", "promtool says why. What was there before stays.", attempt.trouble)
    elif is_test and attempt.trouble:
        card("note", f"{path}: the test fails", "promtool says:", attempt.trouble)
    elif is_test:
        card("passed", f"{path}: the test passes", "promtool has run it against your rules.")
    elif attempt.status == "running":
        card("passed", f"{path} is loaded", "promtool has nothing against it, and Prometheus evaluates it from now on.")
    else:
        card("note", f"{path} is in place", "Prometheus does not run now; it counts from its next start.")


def said(done: "subprocess.CompletedProcess[str]", folder: Path) -> str:
    """promtool's own words, with paths as the learner knows them and without empty lines."""
    text = (done.stdout + done.stderr).replace(f"{folder}/", "")
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("Unit Testing"))


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it, fetched if it is not here yet. Raises FetchError."""
    if not (program := find_monitor("promtool")):
        fetch_monitors(lambda _words: None)
        program = find_monitor("promtool")
    assert program is not None, "fetch_monitors raises otherwise"
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)
