"""The logs of a lab's system for notebooks: lines by process, the story of an order, answers to questions in SQL. What differs
from run to run, times and measured numbers, is marked as such."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd  # type: ignore[import-untyped]  # it ships none

from labs.classroom.cards import marked
from labs.classroom.slips import Slip
from labs.infra.logging import BadQuestion, NoLogs
from labs.infra.logging.asking import Logs
from labs.infra.system import System

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STORY = """
SELECT began, service, message, status, reason FROM story(?) WHERE contains(message, ?)
"""
CORRELATED = """
SELECT began, service, message, status, reason FROM logs
WHERE correlation_id = ? AND contains(message, ?) ORDER BY began, time
"""


class Answer(pd.DataFrame):
    """A DataFrame that a notebook shows as a table with a caption and without row numbers."""

    _metadata = ("caption",)
    caption = ""

    @property
    def _constructor(self) -> Any:
        return Answer

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        caption = (
            f"<caption style='text-align:left;white-space:nowrap'>{html.escape(self.caption)}</caption>"
            if self.caption
            else ""
        )
        head = "".join(f"<th style='text-align:left'>{html.escape(str(name))}</th>" for name in self.columns)
        rows = list(self.itertuples(index=False, name=None))
        body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in rows)
        plain = [self.caption, " | ".join(map(str, self.columns)), *(" | ".join(map(_plain, row)) for row in rows)]
        return {
            "text/html": f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>",
            "text/plain": "\n".join(line for line in plain if line),
        }


def ask(system: System, question: str, parameters: Sequence[Any], caption: str = "") -> Answer:
    """What a question in SQL about `logs` and `other` gives; `?` stands for the parameters in turn. Raises Slip."""
    try:
        with Logs(system.places.logs) as logs:
            answer = Answer(logs.table(question, parameters))
    except (BadQuestion, NoLogs) as error:
        raise Slip(str(error)) from None
    answer.caption = caption
    return answer


def story(system: System, order: str, correlation: str, containing: str) -> Answer:
    """The lines of an order's story, or with a correlation id, with the milliseconds since its first. Raises Slip."""
    if bool(order) == bool(correlation):
        raise Slip('Whose story? Say order="…" or correlation="…", one of them.')
    what = f"order {order[:8]}…" if order else "one correlation id"
    found = ask(system, STORY if order else CORRELATED, [order or correlation, containing])
    if found.empty:
        raise Slip(f"No line tells of {what}{f' and contains {containing!r}' if containing else ''}.")
    since = (found["began"] - found["began"].iloc[0]).dt.total_seconds() * 1000
    answer = Answer(found.drop(columns="began").dropna(axis="columns", how="all"))
    answer.insert(0, "ms", since)
    answer.caption = "The story of one order" if order else "The story of one correlation id"
    return answer


def timeline(system: System, order: str) -> "Figure":
    """An order's story as a picture: a lane for each service, a mark for each line. Raises Slip."""
    from labs.classroom import figures

    told = story(system, order, "", "")
    lanes = list(dict.fromkeys(told["service"]))
    figure, axes = figures.plot(figsize=(9.0, 0.9 + 0.6 * len(lanes)))
    for lane, service in enumerate(lanes):
        moments = told.loc[told["service"] == service, "ms"]
        axes.plot(moments, [lane] * len(moments), marker="o", linestyle="-", linewidth=0.8, markersize=6)
    axes.set_yticks(range(len(lanes)), lanes)
    axes.set(xlabel="milliseconds since the order came in", ylim=(len(lanes) - 0.5, -0.5))
    return figure


def _cell(value: Any) -> str:
    shown = marked(value) if isinstance(value, float) and not pd.isna(value) else html.escape(_plain(value))
    if isinstance(value, pd.Timestamp):
        shown = f"<data class='measured'>{value.time()}</data>"
    return f"<td style='text-align:left'>{shown}</td>"


def _plain(value: Any) -> str:
    """Without what differs from run to run."""
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return ""
    return "…" if isinstance(value, float | pd.Timestamp) else str(value)
