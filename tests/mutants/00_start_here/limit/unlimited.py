"""As it was before."""

LARGEST_QUANTITY = 1_000_000
MOST_LINES = 100
