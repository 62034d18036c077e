"""A name that is spelt otherwise."""

LARGEST_QUANTITIY = 10
MOST_LINES = 100
