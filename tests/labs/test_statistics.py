"""The counts that say how a lab reads and what it costs its author."""

from labs.classroom.author.statistics import Statistics, median, of, of_folder, p90
from tests.labs.sample import cell, sample, write

EXPECTED = Statistics("06_a_small_lab", 4, median_lines=1, p90_lines=4, exercises=1, plumbing_lines=5)


def test_a_lab_is_counted_in_its_released_form(tmp_path):
    write(tmp_path)
    assert of_folder(tmp_path) == [EXPECTED]


def test_blank_lines_do_not_count():
    notebook = sample()
    cell(notebook, "setup").source += "\n\n   \n"
    assert of(notebook, "06_a_small_lab") == EXPECTED


def test_a_row_names_its_columns():
    assert EXPECTED.as_row() == {
        "notebook": "06_a_small_lab",
        "code_cells": 4,
        "median_lines": 1,
        "p90_lines": 4,
        "exercises": 1,
        "plumbing_lines": 5,
    }


def test_the_percentile_is_a_length_that_a_cell_has():
    assert p90(list(range(1, 11))) == 9
    assert p90([3]) == 3
    assert median([1, 2]) == 1.5


def test_a_notebook_without_code_has_lengths_of_nought():
    assert (median([]), p90([])) == (0, 0)
