"""A recording replayed over a cut: calls, shared transactions, parts that a change touches."""

import json
from pathlib import Path

import pytest

from labs.classroom import cutting
from labs.classroom.cut_pictures import lanes, scores
from labs.classroom.cutting import Step
from labs.services.monolith.borders import Borders, NoOwner, Trespass

CUT = Borders({"a": ["order.*", "db.orders"], "b": ["stock.*", "db.stock"]})
ORDER = (
    Step("customer", "order.api", "place", 0),
    Step("order.api", "stock.store", "look", 0),
    Step("order.api", "order.store", "place", 1),
    Step("order.store", "db.orders", "INSERT", 1),
    Step("order.store", "stock.store", "reserve", 1),
    Step("stock.store", "db.stock", "UPDATE", 1),
    Step("order.store", "db.orders", "UPDATE", 2),
    Step("order.store", "db.orders", "SELECT", 3),
    Step("order.store", "stock.store", "look", 3),
)


def test_calls_are_the_steps_between_services_without_the_customers_own() -> None:
    assert cutting.calls(ORDER, CUT.owner) == 3
    assert cutting.pairs(ORDER, CUT.owner) == {("a", "b"): 3}


def test_a_shared_transaction_changes_something_and_has_several_services_in_it() -> None:
    assert cutting.crossings(ORDER, CUT.owner) == 1, "the second has one service, the third only looks"
    assert cutting.crossings(ORDER, Borders({"all": ["*"]}).owner) == 0


def test_all_but_one_of_the_services_in_a_shared_transaction_must_agree() -> None:
    assert cutting.agreements(ORDER, CUT.owner) == 1
    by_module = {part: [part] for part in ("order.api", "order.store", "stock.store", "db.orders", "db.stock")}
    assert cutting.agreements(ORDER, Borders(by_module).owner) == 5, "five in the first transaction, two in the second"


def test_the_first_pattern_that_fits_says_who_owns_a_part() -> None:
    borders = Borders({"first": ["order.pay*"], "second": ["order.*"]})
    assert [borders.owner(part) for part in ("order.payments", "order.store", "customer")] == [
        "first",
        "second",
        "customer",
    ]
    with pytest.raises(NoOwner, match=r"user\.api belongs to nobody"):
        borders.owner("user.api")
    assert cutting.unowned(borders, ["order.store", "user.api"]) == ["user.api"]


def test_a_border_refuses_who_reaches_for_a_foreign_table_and_nobody_else() -> None:
    CUT.refuse("order.store", "db.orders")
    with pytest.raises(Trespass, match=r"order\.store, of a, reaches for db\.stock, of b"):
        CUT.refuse("order.store", "db.stock")


def test_names_are_what_code_uses_and_not_what_it_says_about_itself() -> None:
    source = '''"""About refunds."""
def pay(order, *, card):
    """Takes money."""
    total = order.amount  # never the tip
    return {"iban": total, "why": f"for {card.owner}, thanks"}
limit = 5
"""The most."""
'''
    found = cutting.names(source)
    assert {"pay", "order", "card", "amount", "iban", "owner", "thanks", "limit"} <= found
    assert not {"refunds", "Takes", "tip", "most"} & found


def test_a_change_touches_the_parts_that_use_a_name_and_deploys_their_services() -> None:
    sources = {"order.store": "card = 1", "order.api": "x = 1", "stock.store": "y = 1  # card"}
    change = {"what": "cards expire", "names": ["card", "iban"]}
    assert cutting.touched(change, sources) == {"order.store"}
    assert cutting.redeployed(change, sources, CUT.owner) == pytest.approx(2 / 3)


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert cutting.read(tmp_path / "none.jsonl") == []
    line = {"request": "POST /orders", "status": 202, "steps": [["a", "b", "place", 1]]}
    (tmp_path / "some.jsonl").write_text(json.dumps(line) + "\n")
    assert cutting.read(tmp_path / "some.jsonl") == [
        cutting.Request("POST /orders", 202, (Step("a", "b", "place", 1),))
    ]


def test_pictures_have_a_panel_for_each_cut_and_each_measure() -> None:
    whole = Borders({"all": ["*"]})
    assert len(lanes(ORDER, {"two": CUT, "one": whole}).axes) == 2
    assert len(scores({"calls": {"two": 3.0, "one": 0.0}, "teams": {"two": 1.5, "one": 1.0}}).axes) == 2
