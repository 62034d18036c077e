"""Lab 13: small histories of two neighbours, each with one answer that nobody would dispute, and what is wrong with another."""

from collections.abc import Mapping
from dataclasses import dataclass

from labs.classroom.merging import ENOUGH


@dataclass(frozen=True)
class History:
    """`edits` says how often which steps were edited together, named by letters: {"ab": 3} are three changes that edited a
    and b. `together`: whether `left` and `right` should be one service; None where every number will do."""

    left: str
    right: str
    edits: Mapping[str, int]
    together: bool | None
    mistake: str
    meaning: str

    @property
    def changes(self) -> list[frozenset[str]]:
        """One set of steps for each change."""
        return [frozenset(steps) for steps, often in self.edits.items() for _ in range(often)]

    def asked(self) -> tuple[set[str], set[str], list[frozenset[str]]]:
        """What the learner's function is given."""
        return set(self.left), set(self.right), self.changes

    def misjudged(self, said: float) -> bool:
        """Whether this score puts two together that belong apart, or the other way round."""
        return self.together is not None and (said > ENOUGH) != self.together

    def words(self) -> str:
        """The history as a sentence."""
        times = [f"{', '.join(steps)}: {often} times" for steps, often in self.edits.items()]
        return f"Edited were {'; '.join(times)}."


HISTORIES = (
    History("a", "b", {"c": 4}, None, "raises", ""),
    History(
        "a",
        "b",
        {"a": 6, "b": 6},
        False,
        "everything",
        "No change has ever edited both. What is gained by deploying them together, but that each of these 12 changes "
        "carries along what it does not need?",
    ),
    History(
        "a",
        "b",
        {"ab": 8},
        True,
        "nothing",
        "No change has ever edited one without the other. Eight times two services were deployed for one wish.",
    ),
    History(
        "a",
        "b",
        {"ab": 4, "c": 20, "d": 20},
        True,
        "of_all",
        "Whatever was done to a was done to b. That much else was going on says nothing about these two: with a longer "
        "history nobody would ever belong together.",
    ),
    History(
        "a",
        "b",
        {"a": 12, "b": 12, "ab": 1},
        False,
        "count",
        "Once in 25 changes they were edited together. A score that counts without comparing grows with every year, until "
        "everything is one.",
    ),
    History(
        "a",
        "b",
        {"ab": 2, "b": 20},
        False,
        "one_side",
        "a never changes without b, but b changes without a ten times as often. As one service, 20 of 22 changes deploy a for "
        "nothing. Whom did you ask?",
    ),
    History(
        "a",
        "b",
        {"ab": 2, "a": 20},
        False,
        "one_side",
        "b never changes without a, but a changes without b ten times as often. As one service, 20 of 22 changes deploy b for "
        "nothing. Whom did you ask?",
    ),
    History(
        "ab",
        "c",
        {"ac": 3, "bc": 3},
        True,
        "all_steps",
        "a and b are one service already. Whenever it changed, in either of its steps, c changed too. A service is touched by "
        "a change as soon as one of its steps is.",
    ),
)
