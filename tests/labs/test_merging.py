"""Neighbours on a path are merged by a score of the changes that touched them, and what a cut costs a change is counted."""

import pytest

from labs.classroom import merging
from labs.classroom.checks.lab13_histories import HISTORIES, History

FINEST = [["a"], ["b"], ["c"], ["d"]]
CHANGES = [{"a", "b"}, {"a", "b"}, {"b"}, {"c", "d"}, {"a", "b", "c", "d"}, {"elsewhere"}]


def together(left, right, changes):
    """Of the changes that touch either side, the share that touches both."""
    both = sum(1 for steps in changes if steps & left and steps & right)
    return both / sum(1 for steps in changes if steps & (left | right))


def test_neighbours_are_merged_until_no_border_has_more_than_half():
    assert merging.scores(FINEST, together, CHANGES) == [0.75, 0.2, 1.0]
    assert merging.merged(FINEST, together, CHANGES) == [["a", "b"], ["c", "d"]]


def test_those_with_the_highest_score_are_merged_first_and_asked_again_as_one():
    asked = []

    def score(left, right, _changes):
        asked.append((sorted(left), sorted(right)))
        return {("b", "c"): 0.9, ("a", "b"): 0.8}.get((*left, *right), 0.0)

    assert merging.merged(FINEST[:3], score, []) == [["a"], ["b", "c"]]
    assert asked == [(["a"], ["b"]), (["b"], ["c"]), (["a"], ["b", "c"])]


@pytest.mark.parametrize(("said", "left"), [(0.5, 4), (0.51, 1), (float("nan"), 4)])
def test_half_is_not_enough_and_what_is_no_number_is_never_enough(said, left):
    assert len(merging.merged(FINEST, lambda *_: said, CHANGES)) == left


def test_the_cut_that_was_given_stays_as_it_is():
    merging.merged(FINEST, lambda *_: 1.0, CHANGES)
    assert FINEST == [["a"], ["b"], ["c"], ["d"]]


def test_a_change_costs_every_service_that_it_touches_and_all_of_it():
    pairs = [["a", "b"], ["c", "d"]]
    assert merging.deployments(FINEST, CHANGES) == pytest.approx((2 + 2 + 1 + 2 + 4 + 0) / 6)
    assert merging.deployments(pairs, CHANGES) == pytest.approx((1 + 1 + 1 + 1 + 2 + 0) / 6)
    assert merging.redeployed(pairs, CHANGES) == pytest.approx((2 + 2 + 2 + 2 + 4 + 0) / 6 / 4)
    assert (merging.alone(FINEST, CHANGES), merging.alone(pairs, CHANGES)) == (1, 4)


def test_every_history_has_an_answer_that_the_share_of_common_changes_gives():
    judged = [history for history in HISTORIES if history.together is not None]
    assert [history.mistake for history in judged if history.misjudged(together(*history.asked()))] == []


def test_a_history_says_how_often_which_steps_were_edited():
    history = History("ab", "c", {"ac": 2, "b": 1}, True, "all_steps", "")
    assert history.asked() == ({"a", "b"}, {"c"}, [frozenset("ac"), frozenset("ac"), frozenset("b")])
    assert history.words() == "Edited were a, c: 2 times; b: 1 times."
    assert history.misjudged(0.5)
    assert not history.misjudged(0.6)
