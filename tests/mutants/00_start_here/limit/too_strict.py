"""One too few."""

LARGEST_QUANTITY = 9
MOST_LINES = 100
