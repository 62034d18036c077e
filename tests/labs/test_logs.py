"""What a notebook shows of logs: a table with a caption, in which only that is compared which is the same in every run."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labs.classroom import logs
from labs.classroom.archive import Archive
from labs.classroom.slips import Slip

ORDER = "433d4537-729a-42f3-9cd1-356c564fb223"


@pytest.fixture
def system(tmp_path: Path) -> Any:
    """As far as `logs` looks at one: a folder of log files."""
    folder = tmp_path / "lab-1" / "logs"
    folder.mkdir(parents=True)
    said = [
        ("10.000000", "order-service", "POST /orders", {"order_id": ORDER, "correlation_id": "c-1"}),
        ("10.250000", "outside", "POST /charges <b>", {"correlation_id": "c-1"}),
        ("10.500000", "outside", "mail arrived", {"correlation_id": "c-1"}),
    ]
    lines = [
        {"@timestamp": f"2026-11-27T17:42:{at}Z", "message": message, "service": {"name": service}, "labels": labels}
        for at, service, message, labels in said
    ]
    (folder / "shop.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return SimpleNamespace(places=SimpleNamespace(logs=folder), directory=folder.parent)


def test_a_story_is_a_table_by_time_and_a_data_frame(system):
    told = logs.story(system, ORDER, "", "POST")
    assert list(told["message"]) == ["POST /orders", "POST /charges <b>"]
    assert list(told["ms"]) == [0.0, 250.0]
    assert list(logs.story(system, "", "c-1", "")["service"]) == ["order-service", "outside", "outside"]


def test_what_differs_from_run_to_run_is_marked_and_the_rest_is_shown_as_text(system):
    shown = logs.story(system, ORDER, "", "POST")._repr_mimebundle_()
    assert "<caption style='text-align:left;white-space:nowrap'>The story of one order</caption>" in shown["text/html"]
    assert "<data class='measured'>250</data>" in shown["text/html"]
    assert "POST /charges &lt;b&gt;" in shown["text/html"]
    assert shown["text/plain"].splitlines()[-1] == "… | outside | POST /charges <b>"


def test_an_answer_in_sql_has_its_caption_and_blanks_where_nothing_is(system):
    answer = logs.ask(system, "SELECT message, reason, time FROM logs WHERE contains(message, ?)", ["mail"], "Mails")
    assert answer._repr_mimebundle_()["text/plain"] == "Mails\nmessage | reason | time\nmail arrived |  | …"
    assert (
        "<td style='text-align:left'><data class='measured'>17:42:10.500000</data></td>"
        in answer._repr_mimebundle_()["text/html"]
    )


@pytest.mark.parametrize(
    ("order", "correlation", "words"),
    [("", "", "Whose story"), (ORDER, "c-1", "one of them"), ("4711", "", "No line tells of order 4711")],
)
def test_a_story_that_cannot_be_told_is_a_slip_in_words(system, order, correlation, words):
    with pytest.raises(Slip, match=words):
        logs.story(system, order, correlation, "")


def test_a_wrong_question_is_a_slip_in_the_databases_words(system):
    with pytest.raises(Slip, match="servce"):
        logs.ask(system, "SELECT servce FROM logs", [])


def test_a_timeline_has_a_lane_for_each_service(system):
    (axes,) = logs.timeline(system, ORDER).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["order-service", "outside"]
    assert [len(line.get_xdata()) for line in axes.get_lines()] == [1, 2]


def test_an_archive_has_twenty_lines_for_each_order_and_can_be_loaded(tmp_path):
    archive = Archive(tmp_path, 2_000)
    story = archive.sql("SELECT service, message FROM logs WHERE order_id = '71' ORDER BY began")
    assert len(story) == 20 and story[0] == {"service": "order-service", "message": "POST /orders"}
    assert len({row["service"] for row in story}) == 4
    assert archive.sql("SELECT count(DISTINCT order_id) AS n FROM story('71')") == [{"n": 1}]
    archive.sql("CREATE TABLE loaded AS FROM logs")
    assert archive.sql("SELECT count(*) AS n FROM loaded WHERE order_id = '71'") == [{"n": 20}]
    with pytest.raises(Slip, match="nowhere"):
        archive.sql("FROM nowhere")
    archive.close()
