"""The part of a lab that is about tests: run beside the code of the lab's services, over commits and versions of these."""

import difflib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from IPython.display import Markdown, display

from labs.classroom import cards
from labs.classroom.proving.commits import COMMITS, VERSIONS, Edit
from labs.classroom.slips import Slip
from labs.classroom.visited import loaded
from labs.infra.start_error import StartError
from labs.infra.system import System

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROVING = Path(__file__).with_name("proving")
COPIED = ("pacts", "stand", "run", "judging")
TESTS = "tests"
"""The folder that they are copied to, beside the learner's own tests."""
Result = tuple[str, int, str, int]
"""A consumer in a version, and a provider in a version."""


@dataclass(frozen=True)
class Tests:
    """What became of some tests: by its id, nothing if it passed, else why it did not. `seconds` that they took, the start of
    their process included."""

    found: Mapping[str, str]
    seconds: float

    @property
    def failed(self) -> int:
        """How many did not pass."""
        return sum(map(bool, self.found.values()))

    @property
    def passed(self) -> int:
        """How many passed."""
        return len(self.found) - self.failed


class Proven:
    """What Lab has of it."""

    system: System

    def tests(self, *files: str) -> Tests:
        """Run test files of the folder `tests` with pytest, beside the code of this lab's services, and say how it went."""
        begun = time.monotonic()
        tests = Tests(asked(self.system, "run", *files), time.monotonic() - begun)
        for file in files:
            own = {name: why for name, why in tests.found.items() if name.partition("::")[0] == file}
            failed = {name.partition("::")[2]: why for name, why in own.items() if why}
            words = f"{len(own) - len(failed)} passed" + (f", {len(failed)} failed" if failed else "")
            cards.card("note", f"tests/{file}: {words}", more="\n".join(f"{n}: {why}" for n, why in failed.items()))
        return tests

    def commit(self, name: str) -> None:
        """A change of the shop's code by somebody else, shown as a diff. It is in this lab's code now; what runs has it from
        its next start on."""
        if name not in COMMITS:
            raise Slip(f"There is no commit {name!r}; there are: {', '.join(map(repr, COMMITS))}.")
        before = edited(self.system, COMMITS[name])
        lines: list[str] = []
        for path, text in before.items():
            now = _file(self.system, path).read_text()
            lines += difflib.unified_diff(text.splitlines(), now.splitlines(), path, path, n=1, lineterm="")
        cards.card("note", f"committed: {name}")
        display(Markdown("```diff\n" + "\n".join(lines) + "\n```"))

    def revert(self, name: str) -> None:
        """Take a commit back; what runs has it until its next start."""
        edited(self.system, [(path, new, old) for path, old, new in reversed(COMMITS[name])])
        cards.card("note", f"taken back: {name}")

    def versions(self) -> None:
        """What order-service says of a parcel, and how notification-service reads it, are in files of their own from now on,
        order/parcel_1.py and so on; the setting VERSION says which. What runs of the two must be restarted."""
        if not made(self.system, VERSIONS):
            edited(self.system, VERSIONS)
        cards.card("note", "order-service and notification-service read parcel_1.py, parcel_2.py …, as VERSION says")

    def test_file(self, name: str) -> ModuleType:
        """A file of the folder `tests` as a module, read anew. Raises what it raises."""
        return loaded(_file(self.system, TESTS) / f"{name}.py")

    def matrix(self, results: Mapping[Result, bool]) -> "Figure":
        """Which versions of a consumer and a provider were verified with each other, and how it went, as a figure."""
        from labs.classroom import matrix  # half a second that only a lab with a plot should pay

        return matrix.grid(results)


def asked(system: System, module: str, *words: str) -> Any:
    """What one of the copied modules writes down when it is run with these words beside the code of the services."""
    folder = _file(system, TESTS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    for name in COPIED:
        source = (PROVING / f"{name}.py").read_text()
        (folder / f"{name}.py").write_text(source.replace("labs.classroom.proving", f"labs.services.{TESTS}"))
    result = system.directory / "tests.json"
    result.unlink(missing_ok=True)
    try:
        system.run_task("order", f"labs.services.{TESTS}.{module}", str(result), *words)
    except StartError as error:
        raise Slip(str(error)) from None
    return json.loads(result.read_text())


def made(system: System, edits: Iterable[Edit]) -> bool:
    """Whether these edits are in a lab's code."""
    return all(
        new in (text := _file(system, path).read_text()) and (new or old not in text) for path, old, new in edits
    )


def edited(system: System, edits: Iterable[Edit]) -> dict[str, str]:
    """Make these edits in a lab's code; returns the files as they were. All of them or none: raises Slip if what one replaces
    is not there just once."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for path, old, new in edits:
        text = after.get(path) or before.setdefault(path, _file(system, path).read_text())
        if text.count(old) != 1:
            raise Slip(
                f"labs/services/{path} is not as this change expects it. Was it made already, or is the file yours?"
            )
        after[path] = text.replace(old, new)
    for path, text in after.items():
        _file(system, path).write_text(text)
    return before


def _file(system: System, path: str) -> Path:
    return system.places.sources / path
