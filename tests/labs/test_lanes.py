"""What was so, and when: one lane for each thing, one mark for each thing seen."""

from labs.classroom.lanes import lanes

WATCHED = {
    "old token": [(0.0, "accepted"), (1.0, "accepted")],
    "short token": [(0.0, "accepted"), (1.0, "refused")],
}


def test_each_thing_that_was_seen_has_a_mark_of_its_own_in_the_lane_of_what_was_watched():
    (axes,) = lanes(WATCHED).axes

    drawn = {line.get_label(): list(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in axes.lines}
    assert drawn == {"accepted": [(0.0, 0), (1.0, 0), (0.0, 1)], "refused": [(1.0, 1)]}
    assert len({line.get_marker() for line in axes.lines}) == 2


def test_the_lanes_are_named_from_the_top():
    (axes,) = lanes(WATCHED).axes

    assert [label.get_text() for label in axes.get_yticklabels()] == ["old token", "short token"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
