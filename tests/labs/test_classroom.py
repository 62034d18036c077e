"""What a lab remembers and how it reads a learner's cell; no system is started here."""

import json
from pathlib import Path

import pytest

from labs.classroom import cards
from labs.classroom.attempts import not_attempted, syntax_error
from labs.classroom.records import Records
from labs.classroom.references import reference
from labs.classroom.verdicts import story
from labs.classroom.workshop import lines_changed
from labs.services.chassis.events import Event


@pytest.mark.parametrize(
    "source",
    [
        "limit = ...",
        "def handle(self, event, tx):\n    ...",
        "class Worker:\n    name = 'x'\n    ...",
        "def guess():\n    return ...",
        "limit = 10\nlimit = ...",
    ],
)
def test_a_cell_with_something_left_to_write_is_not_attempted(source: str) -> None:
    assert not_attempted(source)


@pytest.mark.parametrize(
    "source",
    [
        "limit = 10",
        "limit = ...\nlimit = 10",
        "pair: tuple[int, ...] = (1, 2)",
        "first = row[..., 0]",
        "# write ... here\nlimit = 1",
        "this is no Python",
    ],
)
def test_a_cell_with_an_answer_counts_as_an_attempt(source: str) -> None:
    assert not not_attempted(source)


def test_a_syntax_error_is_told_with_file_and_line() -> None:
    told = syntax_error("a = 1\nb = (2\n", "order/worker.py")
    assert told.startswith("order/worker.py, line 2")
    assert syntax_error("a = 1", "order/worker.py") == ""


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LAB_RESULTS", str(tmp_path / "results"))
    return Records("99_sample", "ci")


def test_progress_survives_the_run_and_other_labs(records: Records, tmp_path: Path) -> None:
    records.exercise("reserve", "passed")
    Records("98_other", "ci").exercise("limit", "failed")
    records.prediction("processes", 3, 4)
    progress = json.loads((tmp_path / "home/progress.json").read_text())
    assert progress["99_sample"]["exercises"] == {"reserve": "passed"}
    assert progress["99_sample"]["predictions"] == {"processes": {"predicted": 3, "measured": 4}}
    assert progress["98_other"]["exercises"] == {"limit": "failed"}


def test_a_damaged_progress_file_is_set_aside_and_not_lost(records: Records, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/progress.json").write_text("{half a fi")
    records.exercise("reserve", "passed")
    assert (tmp_path / "home/progress.damaged").read_text() == "{half a fi"
    assert json.loads((tmp_path / "home/progress.json").read_text())["99_sample"]


def test_the_results_file_holds_the_last_value_of_each_finding(records: Records, tmp_path: Path) -> None:
    records.finding("orders", 19, "exactly 20", False)
    records.finding("orders", 20, "exactly 20", True)
    results = json.loads((tmp_path / "results/99_sample.json").read_text())
    assert results["findings"] == [{"name": "orders", "value": 20, "bound": "exactly 20", "holds": True}]
    assert results["scale"] == "ci"


def test_a_finding_marks_its_value_so_that_two_runs_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, str] = {}
    monkeypatch.setattr(cards, "display", lambda bundle, **_: shown.update(bundle))
    cards.measured("median seconds", 0.123, "at most 0.5", True)
    assert "0.123" not in shown["text/plain"]
    assert "<data class='measured'>0.123</data>" in shown["text/html"]


def test_a_card_sets_as_code_what_stands_between_backticks_and_escapes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, str] = {}
    monkeypatch.setattr(cards, "display", lambda bundle, **_: shown.update(bundle))
    cards.card("failed", "Call `move(1, <2>)`", "`a` is not `b`", more="`as it is`")
    assert "Call <code>move(1, &lt;2&gt;)</code>" in shown["text/html"]
    assert "<code>a</code> is not <code>b</code>" in shown["text/html"]
    assert ">`as it is`<" in shown["text/html"]
    assert shown["text/plain"] == "✗ Call `move(1, <2>)`\n`a` is not `b`\n`as it is`"


def test_the_reference_is_the_cell_of_the_solution_else_what_the_shop_ships() -> None:
    assert "LARGEST_QUANTITY = 10" in str(reference("00_start_here", "order/limits.py"))
    assert "class NotificationWorker" in str(reference("00_start_here", "notification/worker.py"))
    assert reference("00_start_here", "nobody/worker.py") is None


def test_a_story_says_who_told_whom_and_how_it_ended() -> None:
    events = [Event("order-service", "order_placed", {"order_id": "1"})]
    told = story(events, {"order_placed": "inventory-service"}, "Note over inventory-service: silence")
    assert told == ("order-service->>inventory-service: order_placed", "Note over inventory-service: silence")


def test_changed_lines_are_counted_over_all_files() -> None:
    before = {"a.py": "x = 1\ny = 2\n", "b.py": "z = 3\n"}
    assert lines_changed(before, before) == 0
    assert lines_changed(before, {**before, "a.py": "x = 1\ny = 3\n"}) == 2
    assert lines_changed(before, {**before, "c.py": "new = 1\n"}) == 1
