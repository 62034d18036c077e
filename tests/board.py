"""What a person sees of `make test`: a line per test file, a bar on a terminal, at the end a table and the failures."""

import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.stages import Outcome, Stage

MOST_LINES = 300
WIDTH_WITHOUT_TERMINAL = 120


@dataclass
class _File:
    """A test file that is being run."""

    name: str
    tally: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.tally.items())
        return f"  {self.name:<60} {counts:<24} {self.seconds:6.1f} s"


class Board:
    """Told what happens while the stages run. Without a terminal it prints plain lines, so a CI log reads well."""

    def __init__(self) -> None:
        plain = not sys.stdout.isatty()
        self.console = Console(
            width=WIDTH_WITHOUT_TERMINAL if plain else None, no_color=plain, highlight=False, markup=False
        )
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            disable=plain,
        )
        self._files: dict[str, _File] = {}  # by who runs it

    def begin(self, stages: int) -> None:
        """Shows the bars."""
        self._all = self.progress.add_task("make test", total=stages)
        self._one = self.progress.add_task("", total=None)
        self.progress.start()

    def stage(self, stage: Stage) -> None:
        """A stage starts."""
        self.say(stage.name)
        self.progress.reset(self._one, description=stage.name, total=None)

    def heard(self, event: dict[str, Any]) -> None:
        """An event of tests/reporter.py."""
        if "collected" in event:
            self.progress.update(self._one, total=event["collected"])
            return
        name, by = event["test"].partition("::")[0], event["by"]
        if by in self._files and self._files[by].name != name:
            self.say(str(self._files.pop(by)))
        file = self._files.setdefault(by, _File(name))
        file.tally[event["outcome"]] += 1
        file.seconds += event["seconds"]
        self.progress.update(self._one, advance=1, description=Path(name).name)
        if event["outcome"] == "failed":
            self.say(f"  FAILED {event['test']}")

    def done(self, outcome: Outcome) -> None:
        """A stage ended; what it said is shown if it failed."""
        for file in self._files.values():
            self.say(str(file))
        self._files = {}
        self.progress.advance(self._all)
        if not outcome.good:
            self.say(_important(outcome.output))
        self.say(f"  {'good' if outcome.good else 'FAILED'} after {outcome.seconds:.1f} s")

    def end(self, outcomes: list[Outcome]) -> None:
        """The summary; its last line is `N passed, N failed`."""
        self.progress.stop()
        self.console.print(_stages(outcomes))
        if any(outcome.labs for outcome in outcomes):
            self.console.print(_labs(outcomes))
        for outcome in outcomes:
            for failure in outcome.failures:
                self.say(f"FAILED {outcome.stage.name}: {failure}")
        passed, failed = (sum(getattr(outcome, which) for outcome in outcomes) for which in ("passed", "failed"))
        self.say(f"{passed} passed, {failed} failed")

    def say(self, text: str) -> None:
        """A line that stays, above the bars."""
        self.console.print(text, soft_wrap=True)


def _stages(outcomes: list[Outcome]) -> Table:
    table = Table("stage", title="stages", title_justify="left")
    for column in ("passed", "failed", "skipped", "seconds"):
        table.add_column(column, justify="right")
    for outcome in outcomes:
        counts = (outcome.passed, outcome.failed, outcome.skipped)
        table.add_row(outcome.stage.name, *map(str, counts), f"{outcome.seconds:.1f}")
    table.add_section()
    table.add_row("all", "", "", "", f"{sum(outcome.seconds for outcome in outcomes):.1f}")
    return table


def _labs(outcomes: list[Outcome]) -> Table:
    with_labs = [outcome for outcome in outcomes if outcome.labs]
    table = Table("lab", title="seconds per lab", title_justify="left")
    for outcome in with_labs:
        table.add_column(outcome.stage.name, justify="right")
    for lab in sorted({lab for outcome in with_labs for lab in outcome.labs}):
        table.add_row(lab, *(f"{outcome.labs[lab]:.1f}" if lab in outcome.labs else "" for outcome in with_labs))
    return table


def _important(output: str) -> str:
    """The end of a stage's output; of pytest's, from the first failure on."""
    heading = re.search(r"^=+ (FAILURES|ERRORS) =+$", output, re.MULTILINE)
    lines = output[heading.start() if heading else 0 :].rstrip().splitlines()
    cut = [f"({len(lines) - MOST_LINES} lines before this left out)"] if len(lines) > MOST_LINES else []
    return "\n".join(cut + lines[-MOST_LINES:])
