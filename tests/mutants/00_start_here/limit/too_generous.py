"""One too many."""

LARGEST_QUANTITY = 11
MOST_LINES = 100
