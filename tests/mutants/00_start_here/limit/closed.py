"""The limit as something to stay below, taken to its end."""

LARGEST_QUANTITY = 0
MOST_LINES = 100
