"""What was asked is read from the log of who was asked, and a slope is what one more item costs."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from labs.classroom import slopes
from labs.classroom.round_trips import Question, RoundTrips

ROWS = [
    {"way": way, "delay": delay, "items": items, "seconds": 0.01 + items * cost * delay / 1000}
    for way, cost in {"each": 1.0, "all": 0.0}.items()
    for delay in (0, 5, 50)
    for items in (1, 10, 50)
]


def line(method: str, path: str, query: str = "") -> str:
    """As the chassis writes it."""
    url = {"path": path} | ({"query": query} if query else {})
    return json.dumps({"message": f"{method} {path}", "http": {"request": {"method": method}}, "url": url}) + "\n"


@pytest.fixture
def lab(tmp_path):
    """One whose system has a log and nothing else."""
    made = RoundTrips()
    made.system = SimpleNamespace(log=lambda process: tmp_path / f"{process}.log")
    (tmp_path / "shop.log").write_text(line("GET", "/products/before"))
    return made


def test_what_is_asked_meanwhile_is_known_afterwards(lab, tmp_path):
    with lab.asked("shop") as asked, (tmp_path / "shop.log").open("a") as log:
        log.write(line("GET", "/prices", "sku=tea&sku=cup") + "no JSON\n" + line("PUT", "/products/tea"))
        log.write('"a text"\n' + line("GET", "/products/pot"))
        assert asked == []
    assert asked == [Question("/prices", (("sku", "tea"), ("sku", "cup"))), Question("/products/pot")]
    assert [question.skus for question in asked] == [("tea", "cup"), ("pot",)]


def test_a_slope_is_milliseconds_for_one_more_item():
    steep = slopes.of(pd.DataFrame(ROWS))
    assert list(steep.index) == ["each", "all"]
    assert steep.loc["each"].to_dict() == pytest.approx({0: 0.0, 5: 5.0, 50: 50.0}, abs=1e-9)
    assert steep.loc["all"].to_dict() == pytest.approx({0: 0.0, 5: 0.0, 50: 0.0}, abs=1e-9)


def test_the_picture_has_a_panel_for_each_delay_and_a_line_for_each_way():
    axes = slopes.panels(pd.DataFrame(ROWS)).axes
    assert [each.get_title(loc="left") for each in axes] == [f"{delay} ms on the wire" for delay in (0, 5, 50)]
    assert [[drawn.get_label() for drawn in each.lines] for each in axes] == [["each", "all"]] * 3
    (limits,) = {each.get_ylim() for each in axes}  # the same: they are to be compared
    assert limits[0] == 0
    assert limits[1] > max(row["seconds"] for row in ROWS)
    assert len({drawn.get_linestyle() for drawn in axes[0].lines}) == 2


def test_the_slopes_are_shown_with_words_and_returned(lab, capsys):
    steep = lab.slopes(ROWS, "One costs, the other does not.")
    assert steep.loc["each", 50] == pytest.approx(50)
    shown = capsys.readouterr().out
    assert "3 panels" in shown
    assert "One costs, the other does not." in shown
