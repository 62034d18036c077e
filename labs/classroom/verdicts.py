"""What a check found: passed, or one named thing that is wrong, with the smallest history that shows it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labs.services.chassis.events import Event

if TYPE_CHECKING:
    from labs.classroom.lab import Lab


@dataclass(frozen=True)
class Verdict:
    """`wrong` is empty if passed, else the mistake's name; `message` says in words what happened; `story` is the smallest
    failing history, as the lines of a Mermaid sequence diagram."""

    message: str
    wrong: str = ""
    story: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong


Judge = Callable[["Lab", Any], Verdict]


@dataclass(frozen=True)
class Check:
    """An exercise: `files` are those that the learner writes for it; without any, the answer is given to `lab.check`. The judge
    of one that `arranges` starts what it judges; else it must run already."""

    name: str
    judge: Judge
    files: tuple[str, ...] = ()
    arranges: bool = False


@dataclass
class Checks:
    """The exercises of one lab, by name."""

    by_name: dict[str, Check] = field(default_factory=dict)

    def exercise(self, name: str, *files: str, arranges: bool = False) -> Callable[[Judge], Judge]:
        """Register a judge; one that `arranges` starts what it judges itself."""

        def register(judge: Judge) -> Judge:
            self.by_name[name] = Check(name, judge, files, arranges)
            return judge

        return register


def passed(message: str) -> Verdict:
    """All as it should be; says what was tried."""
    return Verdict(message)


def wrong(name: str, message: str, story: tuple[str, ...] = ()) -> Verdict:
    """Not as it should be."""
    return Verdict(message, name, story)


def story(events: list[Event], listeners: dict[str, str], *ending: str) -> tuple[str, ...]:
    """What happened to one order as a sequence: who told what, and who was meant to hear (event type → service); then the
    `ending` lines, such as a note about what never came."""
    lines = []
    for event in events:
        hearer = listeners.get(event.type, "nobody")
        lines.append(f"{event.source}->>{hearer}: {event.type}")
    return (*lines, *ending)
