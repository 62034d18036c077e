"""What whoever changed a contract is told, and what may be written down."""

import copy
import json

import pytest

from labs.infra.contracts.keeping import accept, judge, kept, overview

EVENT = {
    "title": "tea_made",
    "type": "object",
    "properties": {
        "source": {"const": "kitchen"},
        "type": {"const": "tea_made"},
        "data": {
            "type": "object",
            "properties": {"cups": {"type": "integer"}, "sort": {"enum": ["black", "green"]}},
            "required": ["cups", "sort"],
        },
    },
}
OLD = {"events/tea_made.json": EVENT}


@pytest.fixture
def new():
    """The same contracts, to be changed."""
    return copy.deepcopy(OLD)


def data(documents):
    """The schema of the event's data."""
    return documents["events/tea_made.json"]["properties"]["data"]


def test_no_change_is_no_news():
    judgement = judge(OLD, OLD)
    assert judgement.compatible
    assert str(judgement) == "The contracts say what the code does."


def test_a_compatible_change_is_named_with_the_command_to_accept_it(new):
    data(new)["properties"]["milk"] = {"type": "boolean"}
    judgement = judge(OLD, new)
    assert judgement.compatible
    words = str(judgement).splitlines()
    assert 'events/tea_made.json /properties/data/properties/milk: added: {"type": "boolean"}' in words
    assert words[-1] == "Nobody breaks. If you mean it: lab contracts --accept"


def test_a_surprise_is_named_as_one(new):
    data(new)["properties"]["sort"]["enum"].append("white")
    judgement = judge(OLD, new)
    assert judgement.compatible
    assert 'tea_made.data.sort: new values: "white"; may surprise consumers of tea_made' in str(judgement)
    assert "lab contracts --accept" in str(judgement)


def test_an_incompatible_change_says_whom_it_breaks_and_what_to_do_instead(new):
    data(new)["properties"]["cups"]["type"] = "string"
    judgement = judge(OLD, new)
    assert not judgement.compatible
    words = str(judgement)
    assert 'events/tea_made.json /properties/data/properties/cups/type: was "integer", is "string"' in words
    assert "tea_made.data.cups: was integer, is string; breaks consumers of tea_made" in words
    assert "gets a new type" in words
    assert "Nobody breaks" not in words


def test_a_changed_description_is_a_change_too(new):
    data(new)["description"] = "hot"
    assert judge(OLD, new).differences == ['events/tea_made.json /properties/data/description: added: "hot"']


def test_what_is_accepted_is_kept(new, tmp_path):
    assert accept(OLD, tmp_path).differences == ["events/tea_made.json: new"]
    assert kept(tmp_path) == OLD
    data(new)["properties"]["milk"] = {"type": "boolean"}
    assert accept(new, tmp_path).compatible
    assert kept(tmp_path) == new


def test_what_breaks_somebody_is_not_written(new, tmp_path):
    accept(OLD, tmp_path)
    del data(new)["properties"]["cups"]
    new["events/tea_drunk.json"] = EVENT
    assert not accept(new, tmp_path).compatible
    assert kept(tmp_path) == OLD


def test_an_event_that_is_gone_breaks_until_its_file_is_deleted_by_hand(tmp_path):
    accept(OLD, tmp_path)
    judgement = accept({}, tmp_path)
    assert not judgement.compatible
    assert "events/tea_made.json: no longer made" in judgement.differences
    (tmp_path / "events" / "tea_made.json").unlink()
    assert accept({}, tmp_path).differences == []


def test_what_is_written_has_one_form(tmp_path):
    accept(OLD, tmp_path)
    written = (tmp_path / "events" / "tea_made.json").read_text()
    assert written.endswith("}\n")
    assert list(json.loads(written)) == sorted(EVENT)


def test_the_overview_says_who_tells_and_who_listens():
    assert ("tea_made", "kitchen", "") in overview(OLD)


def test_what_consumers_write_is_theirs(tmp_path):
    (tmp_path / "pacts/http").mkdir(parents=True)
    (tmp_path / "pacts/http/guest-kitchen.json").write_text("{}")
    assert accept(OLD, tmp_path).compatible
    assert kept(tmp_path) == OLD
    assert (tmp_path / "pacts/http/guest-kitchen.json").read_text() == "{}"
