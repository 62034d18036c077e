"""Requests that go on coming while a lab changes something: who failed, and after which step."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labs.classroom import load
from labs.classroom.load import NO_ANSWER, Outcome, Report, Request

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 300.0
"""Seconds after which they leave by themselves."""
BETWEEN = 8
"""Requests that come after a step before the next one may begin."""
BAR = 0.25
"""Seconds that one bar of the figure stands for."""


@dataclass(frozen=True)
class Step:
    """Something that was done while they came; `begins` in seconds since the first of them."""

    name: str
    begins: float


class Visitors:
    """They ask `rate` times a second, however slow the answers are: what `asking` says, one after the other. In a `with`, until
    its end; `outcomes` are there afterwards."""

    def __init__(self, rate: float, asking: Iterable[Request]) -> None:
        self._rate, self._asking = rate, asking
        self._began = 0.0
        self._asked, self._over = 0, False
        self._left, self._coming = threading.Event(), threading.Condition()
        self._report = Report()
        self._thread = threading.Thread(target=self._come, name="visitors", daemon=True)
        self.steps: list[Step] = []

    def __enter__(self) -> "Visitors":
        self._thread.start()
        self.wait(BETWEEN)
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def wait(self, more: int) -> None:
        """Until so many more have asked."""
        with self._coming:
            enough = self._asked + more
            self._coming.wait_for(lambda: self._asked >= enough or self._over, timeout=LONGEST)

    def step(self, name: str, act: Callable[[], Any]) -> Any:
        """Do something while they come, and let some more come; returns what `act` returns."""
        self.steps.append(Step(name, time.monotonic() - self._began))
        done = act()
        self.wait(BETWEEN)
        return done

    @property
    def outcomes(self) -> list[Outcome]:
        """What became of each request, in the order in which they were due."""
        return sorted(self._report.outcomes, key=lambda outcome: outcome.due)

    @property
    def failed(self) -> int:
        """Requests with an answer that says so, or with none."""
        return sum(map(_failed, self.outcomes))

    def failures(self) -> dict[str, int]:
        """How many failed after each step and before the next one."""
        counts = dict.fromkeys((step.name for step in self.steps), 0)
        for outcome in filter(_failed, self.outcomes):
            ended = outcome.due + outcome.seconds
            if before := [step.name for step in self.steps if step.begins <= ended]:
                counts[before[-1]] += 1
        return counts

    def figure(self, title: str = "") -> "Figure":
        """Requests over time, answered and failed, with a line where each step began."""
        from labs.classroom import figures  # half a second that only a lab with a plot should pay

        figure, axes = figures.plot(figsize=(8.0, 3.0))
        bars = [int(outcome.due / BAR) for outcome in self.outcomes]
        places = range(max(bars, default=0) + 1)
        bad = [sum(map(_failed, self._in_bar(n))) for n in places]
        good = [len(self._in_bar(n)) - bad[n] for n in places]
        at = [BAR * n for n in places]
        axes.bar(at, good, width=BAR, align="edge", label="answered", color="0.75")
        axes.bar(at, bad, width=BAR, align="edge", bottom=good, label="failed", hatch="///")
        self._draw_steps(axes)
        axes.set(
            xlabel="seconds",
            ylabel=f"requests per {BAR:g} s",
            ylim=(0, 1.15 * max(map(sum, zip(good, bad, strict=True)), default=1)),
        )
        axes.set_title(title, pad=60)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure

    def waits(self, title: str = "") -> "Figure":
        """A dot for each request: when it was due, and how long until it had its answer; a cross for one that failed."""
        from matplotlib.ticker import AutoLocator

        from labs.classroom import figures

        figure, axes = figures.plot(figsize=(8.0, 3.0))
        axes.yaxis.set_major_locator(AutoLocator())
        for failed, label, mark, colour in ((False, "answered", "o", "0.45"), (True, "failed", "x", "#b00020")):
            seen = [outcome for outcome in self.outcomes if _failed(outcome) is failed]
            at, waited = [outcome.due for outcome in seen], [outcome.seconds for outcome in seen]
            axes.plot(at, waited, mark, color=colour, label=label, markersize=5)
        self._draw_steps(axes)
        axes.set(xlabel="seconds", ylabel="seconds until the answer", ylim=(0, None), xlim=(0, None))
        axes.set_title(title, pad=60)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure

    def _draw_steps(self, axes: Any) -> None:
        """A line where each began, with its name."""
        for step in self.steps:
            axes.axvline(step.begins, color="0.2", linewidth=0.8)
            axes.annotate(step.name, (step.begins, 1.0), xycoords=("data", "axes fraction"), rotation=30, fontsize=8)

    def _in_bar(self, number: int) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if int(outcome.due / BAR) == number]

    def _come(self) -> None:
        try:
            self._report = load.open_loop(self._requests(), self._rate, LONGEST)
        finally:
            with self._coming:
                self._over = True
                self._coming.notify_all()

    def _requests(self) -> Iterator[Request]:
        self._began = time.monotonic()
        for request in self._asking:
            if self._left.is_set():
                return
            with self._coming:
                self._asked += 1
                self._coming.notify_all()
            yield request


def _failed(outcome: Outcome) -> bool:
    return outcome.status == NO_ANSWER or outcome.status >= 400
