"""What one lab measured, another one finds."""

from pathlib import Path

import pytest

from labs.classroom.records import Records


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))


def test_a_later_lab_finds_what_an_earlier_one_measured_last() -> None:
    before = Records("98_before", "ci")
    before.finding("seconds of a deployment", 2.0, "at least 1", True)
    before.finding("seconds of a deployment", 3.0, "at least 1", True)
    assert Records("99_after", "ci").earlier("98_before") == {"seconds of a deployment": 3.0}


def test_of_a_lab_that_was_not_run_there_is_nothing() -> None:
    assert Records("99_after", "ci").earlier("98_before") == {}
    Records("97_other", "ci").exercise("limit", "passed")
    assert Records("99_after", "ci").earlier("98_before") == {}
